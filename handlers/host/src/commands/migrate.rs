//! `dezky migrate`: in-place upgrade of a database of the replaced service, or a copy between stores.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::Arc,
};

use clap::Args;
use dezky::{
    Error,
    authn::IssuerSettings,
    clock::SystemClock,
    migration::{Copied, CopyProgress, ForeignValue, Mapping, Report, UpgradeSettings, copy, upgrade},
    plain::Plain,
    store::{
        Transfer,
        mongodb::{MongodbOptions, MongodbStore},
    },
};
use serde_json::json;

use crate::{
    command_line::SettingFlags,
    configuration::{self, Configuration, STORE, Sources, StoreLocation, refuse, sources_of_process},
    failure::Failure,
    logging,
};

/// Flags of `dezky migrate`.
#[derive(Debug, Args)]
pub(crate) struct MigrateFlags {
    /// Report what would be done and write nothing
    #[arg(long, conflicts_with_all = ["from", "to"])]
    dry_run: bool,
    /// Issuer (its `id` in the configuration) of users that name none [default: default]
    #[arg(long, value_name = "ID", conflicts_with_all = ["from", "to"])]
    issuer: Option<String>,
    /// Map an unknown value of the replaced service to a known one, such as users.role.member=user. May be given
    /// several times; without it such values are kept, and the report proposes mappings
    #[arg(long = "map", value_name = "COLLECTION.FIELD.VALUE=OURS", value_parser = Mapping::read, conflicts_with_all = ["from", "to"])]
    mappings: Vec<Mapping>,
    /// Copy all documents from this store instead: sqlite:PATH, mongodb://…, or file:PATH of a file that has it
    #[arg(long, value_name = "URI", requires = "to")]
    from: Option<String>,
    /// Copy them into this store, which must be empty
    #[arg(long, value_name = "URI", requires = "from")]
    to: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

/// Upgrades or copies, and prints the result.
pub(super) async fn run(flags: MigrateFlags) -> Result<(), Failure> {
    let sources = sources_of_process(flags.settings.config.clone(), flags.settings.settings())?;
    logging::start(&configuration::log(&sources)?)?;
    match (&flags.from, &flags.to) {
        (Some(from), Some(to)) => run_copy(from, to, flags.json).await,
        _ => run_upgrade(&flags, &sources).await,
    }
}

async fn run_upgrade(flags: &MigrateFlags, sources: &Sources) -> Result<(), Failure> {
    let configuration = Configuration::read(sources)?;
    let StoreLocation::Mongodb(uri) = &configuration.store else {
        return Err(Failure::usage(format!(
            "{}: only a MongoDB database can be upgraded; to copy one into SQLite, use --from and --to",
            configuration.store_origin
        )));
    };
    let issuer = flags.issuer.clone().unwrap_or_else(|| IssuerSettings::DEFAULT_ID.to_owned());
    let known: Vec<&str> = configuration.issuers.iter().map(|issuer| issuer.id.as_str()).collect();
    if !known.is_empty() && !known.contains(&issuer.as_str()) {
        let message = format!("--issuer: `{issuer}` is not configured; there are {}", known.join(", "));
        return Err(Failure::usage(message));
    }
    let store = MongodbStore::open(uri, MongodbOptions::default(), dezky::COLLECTIONS).map_err(Error::from)?;
    let settings = UpgradeSettings {
        dry_run: flags.dry_run,
        issuer,
        platform_admins_by_claim: configuration.platform_admin_group.is_some(),
        mappings: flags.mappings.clone(),
    };
    let progress = Progress::new();
    let report = upgrade(&store, Arc::new(SystemClock), &settings, &|what, count| progress.show(what, count)).await?;
    progress.end();
    let mut output = std::io::stdout().lock();
    if flags.json {
        writeln!(output, "{}", serde_json::to_string(&report).map_err(std::io::Error::other)?)?;
    } else {
        output.write_all(table(&report).as_bytes())?;
    }
    output.flush()?;
    if report.left { Err(Failure::left("something needs a person: see the report")) } else { Ok(()) }
}

fn table(report: &Report) -> String {
    let title = match (report.dry_run, report.has_changes()) {
        (true, true) => "Dry run: nothing was written. This would be done:",
        (true, false) => "Dry run: nothing would be done.",
        (false, true) => "Done:",
        (false, false) => "There was nothing to do.",
    };
    let mut text =
        format!("{title}\n\n{:<16}{:>10}{:>10}{:>11}{:>11}\n", "", "documents", "upgraded", "unchanged", "held back");
    for (name, counts) in &report.collections {
        text.push_str(&format!(
            "{name:<16}{:>10}{:>10}{:>11}{:>11}\n",
            counts.documents, counts.upgraded, counts.unchanged, counts.held_back
        ));
    }
    let memberships = &report.memberships;
    text.push_str(&format!(
        "\nmemberships: {} made that follow a group, {} made as grants, {} there already\n",
        memberships.made_by_claim, memberships.made_by_grant, memberships.existing
    ));
    if !report.values.is_empty() {
        text.push_str("\nvalues that are none of ours, kept and shown as they are unless they are mapped:\n");
    }
    report.values.iter().for_each(|value| text.push_str(&value_line(value)));
    for count in &report.counts {
        let weight = if count.needs_person { "needs a person" } else { "for information" };
        let name = json!(count.kind);
        text.push_str(&format!(
            "\n{} ({}, {weight}): {}\n",
            name.as_str().unwrap_or_default(),
            count.count,
            count.advice
        ));
        for finding in report.findings.iter().filter(|finding| finding.kind == count.kind) {
            let id = finding.id.map(|id| id.to_string()).unwrap_or_default();
            text.push_str(&format!("  {:<14} {id:<24}  {}\n", finding.collection, Plain(&finding.detail)));
        }
    }
    text
}

/// Describes an unknown value: its number of uses, and what it means or becomes.
fn value_line(value: &ForeignValue) -> String {
    let meaning = match (&value.mapped_to, value.counts_as) {
        (Some(ours), _) => format!("becomes {ours}"),
        (None, Some(ours)) => format!("needs a person: counts as {ours}"),
        (None, None) => "for information: decides nothing".to_owned(),
    };
    let place = format!("{}.{}", value.collection, value.field);
    let mut line = format!("  {place:<21} {:<24} {:>9}  {meaning}", value.value.escape_debug(), value.documents);
    if let Some(proposed) = &value.proposed {
        line.push_str(&format!("; --map '{}'", proposed.escape_debug().to_string().replace('\'', r"'\''")));
    }
    line.push('\n');
    line
}

async fn run_copy(from: &str, to: &str, as_json: bool) -> Result<(), Failure> {
    let (from, to) = (location("from", from)?, location("to", to)?);
    if let StoreLocation::Sqlite(path) = &from
        && !path.is_file()
    {
        return Err(Failure::usage(format!("--from: there is no file `{}`", path.display())));
    }
    let source = open("from", &from)?;
    let target = open("to", &to)?;
    let progress = Progress::new();
    let shown = |step| match step {
        CopyProgress::Copied(collection, count) => progress.show(&format!("{collection} copied"), count),
        CopyProgress::Verified(collection, count) => progress.show(&format!("{collection} compared"), count),
    };
    let copied = copy(source.as_ref(), target.as_ref(), &from.identity(), dezky::COLLECTIONS, &shown).await?;
    progress.end();
    let mut output = std::io::stdout().lock();
    if as_json {
        writeln!(output, "{}", json!({ "equal": true, "collections": copied }))?;
    } else {
        output.write_all(copied_table(&copied).as_bytes())?;
    }
    output.flush()?;
    Ok(())
}

fn copied_table(copied: &[Copied]) -> String {
    let mut text = format!("Both stores are equal:\n\n{:<20}{:>10}{:>10}  sha256\n", "", "documents", "written");
    for one in copied {
        text.push_str(&format!("{:<20}{:>10}{:>10}  {}\n", one.collection, one.documents, one.written, one.sha256));
    }
    text
}

/// Parses the store location of a flag.
fn location(flag: &'static str, text: &str) -> Result<StoreLocation, Failure> {
    let sources = Sources { flags: vec![(&STORE, text.to_owned())], ..Sources::default() };
    StoreLocation::read(&sources)
        .map_err(|error| Failure::usage(error.message().replace("the flag `--store`", &format!("the flag `--{flag}`"))))
}

fn open(flag: &'static str, location: &StoreLocation) -> Result<Box<dyn Transfer>, Failure> {
    Ok(location.open_for_transfer().map_err(|error| refuse(format!("the flag `--{flag}`: {error}")))?)
}

/// Progress line that is rewritten on a terminal and absent elsewhere.
#[derive(Debug)]
struct Progress {
    shown: bool,
}

impl Progress {
    fn new() -> Self {
        Self { shown: std::io::stderr().is_terminal() }
    }

    fn show(&self, what: &str, count: u64) {
        if self.shown {
            // A closed terminal is no reason to stop.
            let _gone = write!(std::io::stderr(), "\r\x1b[K{what}: {count}");
        }
    }

    fn end(&self) {
        if self.shown {
            let _gone = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
