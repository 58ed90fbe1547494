//! Settings that are single values.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use dezky::{
    Result,
    domain::{Problem, fields},
    outbound::Url,
    service::seed::SeedSettings,
    work::TaskChoice,
};
use tracing_subscriber::EnvFilter;

use super::{
    Listen,
    settings::{self, Setting},
    sources::{Found, Origin, Sources, refuse},
};

/// Format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Log settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// A validated filter for `tracing-subscriber`, such as `info,dezky=debug`.
    pub filter: String,
    /// Format of lines.
    pub format: LogFormat,
}

/// Environment variables that may hold settings.
pub(super) fn environment() -> Result<BTreeMap<String, String>> {
    let mut environment = BTreeMap::new();
    for (name, value) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if !name.starts_with("DEZKY_") && name != settings::MONGODB_URI && name != settings::NODE_EXTRA_CA_CERTS {
            continue;
        }
        let value = value
            .into_string()
            .map_err(|_| refuse(format!("the environment variable `{}`: must be UTF-8", name.escape_debug())))?;
        environment.insert(name, value);
    }
    Ok(environment)
}

pub(super) fn listen(sources: &Sources) -> Result<Listen> {
    let Some(found) = sources.find(&settings::LISTEN)? else {
        let address = SocketAddr::from(([127, 0, 0, 1], 8080));
        return Ok(Listen { address, origin: Origin::Default(settings::LISTEN.variable) });
    };
    address(found)
}

pub(super) fn operations(sources: &Sources) -> Result<Option<Listen>> {
    sources.find(&settings::OPERATIONS_LISTEN)?.map(address).transpose()
}

/// Reads the collector's address, below which the protocol has its paths.
pub(super) fn otlp_endpoint(sources: &Sources) -> Result<Option<Url>> {
    let Some(found) = sources.find(&settings::OTLP_ENDPOINT)? else { return Ok(None) };
    let plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    match Url::parse(&found.text).ok().filter(plain) {
        Some(url) => Ok(Some(url)),
        None => Err(found.refuse(
            "must be the URL of a collector without user name and query, such as `http://127.0.0.1:4318`".to_owned(),
        )),
    }
}

fn address(found: Found) -> Result<Listen> {
    match found.text.parse() {
        Ok(address) => Ok(Listen { address, origin: found.origin }),
        Err(_) => Err(found.refuse(format!(
            "`{}` is no address and port: write it as `127.0.0.1:8080` or `[::]:8080`",
            found.text.escape_debug()
        ))),
    }
}

pub(super) fn public_domain(sources: &Sources) -> Result<Option<String>> {
    checked(sources, &settings::PUBLIC_DOMAIN, fields::domain_name)
}

pub(super) fn platform_admin_group(sources: &Sources) -> Result<Option<String>> {
    checked(sources, &settings::PLATFORM_ADMIN_GROUP, fields::label)
}

pub(super) fn seed(sources: &Sources, platform_admin_group: Option<&str>) -> Result<SeedSettings> {
    let default = SeedSettings::default();
    let seed = SeedSettings {
        slug: checked(sources, &settings::SEED_SLUG, |value| {
            let slug = value.as_str().unwrap_or_default();
            fields::slug::check(slug).map(|()| slug.to_owned())
        })?
        .unwrap_or(default.slug),
        name: checked(sources, &settings::SEED_NAME, fields::label)?.unwrap_or(default.name),
        group: checked(sources, &settings::SEED_GROUP, fields::label)?.unwrap_or(default.group),
        plan: checked(sources, &settings::SEED_PLAN, fields::identifier)?.unwrap_or(default.plan),
        domain: checked(sources, &settings::SEED_DOMAIN, fields::domain_name)?,
    };
    if platform_admin_group == Some(seed.group.as_str()) {
        let (setting, place) = match sources.find(&settings::SEED_GROUP)? {
            Some(found) => (found.origin, "it"),
            None => (Origin::Default(settings::SEED_GROUP.variable), "`DEZKY_SEED_GROUP`"),
        };
        return Err(refuse(format!(
            "{setting}: `{}` is the group of the platform's administrators: set {place} to another group",
            seed.group
        )));
    }
    Ok(seed)
}

/// Maximum length of a log filter in bytes.
const LONGEST_FILTER: usize = 1_024;

/// Reads the log settings.
pub(super) fn log(sources: &Sources) -> Result<LogSettings> {
    let filter = match sources.find(&settings::LOG)? {
        None => "info".to_owned(),
        Some(found) => {
            // Filters by spans and fields are patterns, some of which take the library minutes to parse.
            let plain =
                |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | ':' | '=' | ',' | '-' | ' ');
            if found.text.len() > LONGEST_FILTER || !found.text.chars().all(plain) {
                return Err(found.refuse(format!(
                    "a log filter is a list of levels and `target=level`, at most {LONGEST_FILTER} bytes: write a level such as \
                     `info`, or `info,dezky=debug`"
                )));
            }
            EnvFilter::try_new(&found.text).map_err(|error| {
                found.refuse(format!(
                    "`{}` is no log filter ({error}): write a level such as `info`, or `info,dezky=debug`",
                    found.text.escape_debug()
                ))
            })?;
            found.text
        }
    };
    let format = match sources.find(&settings::LOG_FORMAT)? {
        None => LogFormat::Text,
        Some(found) => match found.text.as_str() {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            other => {
                return Err(found.refuse(format!("`{}` must be `text` or `json`", other.escape_debug())));
            }
        },
    };
    Ok(LogSettings { filter, format })
}

/// Parses a value by the domain's own rules.
fn checked(
    sources: &Sources,
    setting: &'static Setting,
    check: impl Fn(&serde_json::Value) -> Result<String, Problem>,
) -> Result<Option<String>> {
    let Some(found) = sources.find(setting)? else { return Ok(None) };
    match check(&found.text.as_str().into()) {
        Ok(value) => Ok(Some(value)),
        Err(problem) => Err(found.refuse(format!("`{}` {}", found.text.escape_debug(), problem.message))),
    }
}

/// Maximum drain time: Kubernetes ends a process after 30 s by default.
const LONGEST_DRAIN: u64 = 300;

/// Reads the background tasks of this process. Default: all.
pub(super) fn tasks(sources: &Sources) -> Result<TaskChoice> {
    let Some(found) = sources.find(&settings::TASKS)? else { return Ok(TaskChoice::All) };
    TaskChoice::parse(&found.text).map_err(|error| found.refuse(error.message()))
}

/// Reads how long requests are still accepted after SIGTERM. Default: zero.
pub(super) fn drain(sources: &Sources) -> Result<Duration> {
    let Some(found) = sources.find(&settings::DRAIN_SECONDS)? else { return Ok(Duration::ZERO) };
    match found.text.parse::<u64>() {
        Ok(seconds) if seconds <= LONGEST_DRAIN => Ok(Duration::from_secs(seconds)),
        _ => Err(found.refuse(format!("`{}` must be 0 to {LONGEST_DRAIN} seconds", found.text.escape_debug()))),
    }
}
