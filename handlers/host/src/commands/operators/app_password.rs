//! `dezky mailbox app-password`.

use std::{fs::File, io::Read, path::PathBuf};

use clap::{Args, Subcommand};
use dezky::{
    Platform,
    domain::{AppPasswordId, AppPasswordView, CreateAppPassword, MailboxView},
    service::{ListRequest, access::TenantReference},
    workspace::Worker,
};
use serde_json::json;

use super::{
    listing::{ListFlags, list},
    mailbox::{NAMED, find},
    output::Column,
    session::{CommonFlags, Session, settled},
};
use crate::failure::Failure;

const COLUMNS: &[Column] =
    &[("ID", "/id"), ("NAME", "/name"), ("STATUS", "/status"), ("CREATED", "/createdAt"), ("BY", "/userId")];

/// Exceeds the maximum token size, so that an oversized token is refused as such.
const MAXIMUM_TOKEN: u64 = 1024 * 1024;

/// Actions on the app passwords of a mailbox.
#[derive(Debug, Subcommand)]
pub(crate) enum AppPasswordCommand {
    /// Create an app password in the name of the member whose mailbox it is, and print it once
    ///
    /// Nobody else may: whoever creates one can read the mail. The command therefore needs an access token of that member.
    #[command(
        after_help = "Example:\n  dezky mailbox app-password add acme anna@acme.eu 'Phone' --token-file token.txt"
    )]
    Add(AddFlags),
    /// List the app passwords of a mailbox, without the passwords
    #[command(visible_alias = "ls", after_help = "Example:\n  dezky mailbox app-password list acme anna@acme.eu")]
    List(ListAppPasswords),
    /// Revoke an app password
    #[command(after_help = "Example:\n  dezky mailbox app-password remove acme anna@acme.eu 65f0c0ffee0000000000cafe")]
    Remove(RemoveFlags),
}

/// Flags of `dezky mailbox app-password add`.
#[derive(Debug, Args)]
pub(crate) struct AddFlags {
    /// Id or slug of the tenant
    tenant: String,
    #[arg(help = NAMED)]
    mailbox: String,
    /// Name of the program or device that is to use it
    name: String,
    /// File with an access token of the member whose mailbox it is [default: standard input]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky mailbox app-password list`.
#[derive(Debug, Args)]
pub(crate) struct ListAppPasswords {
    /// Id or slug of the tenant
    tenant: String,
    #[arg(help = NAMED)]
    mailbox: String,
    #[command(flatten)]
    list: ListFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky mailbox app-password remove`.
#[derive(Debug, Args)]
pub(crate) struct RemoveFlags {
    /// Id or slug of the tenant
    tenant: String,
    #[arg(help = NAMED)]
    mailbox: String,
    /// Id of the app password, or its name if only one has it
    app_password: String,
    #[command(flatten)]
    common: CommonFlags,
}

/// Runs the command.
pub(crate) async fn run(command: AppPasswordCommand) -> Result<(), Failure> {
    match command {
        AppPasswordCommand::Add(flags) => add(flags).await,
        AppPasswordCommand::List(flags) => {
            let session = Session::open(&flags.common)?;
            let (reference, mailbox) = find(&session, &flags.tenant, &flags.mailbox).await?;
            let (session, reference) = (&session, &reference);
            list(&session.output, &flags.list, COLUMNS, |request| async move {
                session.service.list_app_passwords(&session.call(), reference, mailbox.id, &request).await
            })
            .await
        }
        AppPasswordCommand::Remove(flags) => remove(flags).await,
    }
}

async fn add(flags: AddFlags) -> Result<(), Failure> {
    let token = token(flags.token_file.as_ref())?;
    let session = Session::open(&flags.common)?;
    let (reference, mailbox) = find(&session, &flags.tenant, &flags.mailbox).await?;
    let input = settled(CreateAppPassword::read(json!({ "name": flags.name })))?;
    let configuration = &session.configuration;
    let mail = configuration.worker()?.as_deref().and_then(Worker::mail_passwords);
    let store = session.service.store().clone();
    let platform = Platform::open(configuration.platform_options(store)?.mail(mail))?;
    let member = settled(platform.as_user(&token).await)?;
    session.output.document(&settled(member.app_passwords().create(&reference, mailbox.id, input).await)?)
}

/// Reads the token. It is no argument, since others see the arguments of a process.
fn token(file: Option<&PathBuf>) -> Result<String, Failure> {
    let mut text = String::new();
    match file {
        Some(path) => File::open(path)
            .and_then(|file| file.take(MAXIMUM_TOKEN).read_to_string(&mut text))
            .map_err(|error| Failure::usage(format!("`{}`: cannot be read ({error})", path.display())))?,
        None => std::io::stdin().lock().take(MAXIMUM_TOKEN).read_to_string(&mut text)?,
    };
    match text.trim() {
        "" => Err(Failure::usage("there is no token: give it by --token-file or on standard input")),
        token => Ok(token.to_owned()),
    }
}

async fn remove(flags: RemoveFlags) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let (reference, mailbox) = find(&session, &flags.tenant, &flags.mailbox).await?;
    let (id, name) = named(&session, &reference, &mailbox, &flags.app_password).await?;
    settled(session.service.delete_app_password(&session.call(), &reference, mailbox.id, id).await)?;
    let sentence = format!("the app password `{name}` of `{}` is revoked", mailbox.address);
    session.output.done(&sentence, &json!({ "id": id, "name": name, "deleted": true }))
}

/// Finds an app password by id or by name.
async fn named(
    session: &Session,
    reference: &TenantReference,
    mailbox: &MailboxView,
    named: &str,
) -> Result<(AppPasswordId, String), Failure> {
    let request = ListRequest { limit: Some(ListRequest::MAXIMUM_LIMIT), cursor: None };
    let page = session.service.list_app_passwords(&session.call(), reference, mailbox.id, &request).await;
    let is_it = |one: &AppPasswordView| one.name == named || one.id.to_string() == named;
    let mut found = settled(page)?.items.into_iter().filter(is_it);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok((one.id, one.name)),
        (Some(_), Some(_)) => {
            let message = format!("several app passwords are called `{}`: name one by its id", named.escape_debug());
            Err(Failure::usage(message))
        }
        (None, _) => Err(Failure::of_missing(&dezky::Error::not_found(), || {
            format!("`{}` has no app password `{}`", mailbox.address, named.escape_debug())
        })),
    }
}
