//! Common parts of operators' commands: settings, the actor and the use cases.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use dezky::{
    Platform,
    context::RequestContext,
    service::{Call, IdempotencyRequest, Principal, Service, access::TenantReference, views::TenantView},
};

use super::output::Output;
use crate::{
    configuration::{self, Configuration, LOG, STORE, Setting, Sources, sources_of_process},
    failure::Failure,
    logging,
    server::Metrics,
    store,
};

/// Flags of every operators' command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct CommonFlags {
    /// Print JSON for programs, as the HTTP API shows it, instead of a table
    #[arg(long)]
    pub(crate) json: bool,
    /// Name of the system actor in the audit trail: letters, digits and `-`, `_`, `.`, `@`, `:`, at most 64
    #[arg(long = "as", value_name = "NAME", default_value = "operator", value_parser = actor)]
    pub(crate) actor: Principal,
    #[command(flatten)]
    pub(crate) settings: OperatorSettings,
}

/// Settings of operators' commands; everything else comes from the environment and the configuration file.
#[derive(Debug, Args)]
pub(crate) struct OperatorSettings {
    /// Configuration file [DEZKY_CONFIG; default: dezky.toml in the working folder, if present]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Store: sqlite:PATH, mongodb://… or mongodb+srv://…, or file:PATH of a file that has it [DEZKY_STORE, else MONGODB_URI]
    #[arg(long, value_name = "URI")]
    store: Option<String>,
    /// Log on standard error: a level, or a filter such as warn,dezky=debug [DEZKY_LOG; default: off]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

fn actor(text: &str) -> Result<Principal, String> {
    let told =
        |error: dezky::Error| error.fields().first().map_or_else(|| error.to_string(), |field| field.message.clone());
    Principal::named_system(text).map_err(told)
}

impl OperatorSettings {
    /// Returns the sources of the settings. Logging is off by default, because the command reports its own failure in
    /// one line.
    pub(crate) fn sources(&self) -> Result<Sources, Failure> {
        let flags: Vec<(&'static Setting, String)> = [(&STORE, &self.store), (&LOG, &self.log)]
            .into_iter()
            .filter_map(|(setting, value)| Some((setting, value.clone()?)))
            .collect();
        let mut sources = sources_of_process(self.config.clone(), flags)?;
        if sources.find(&LOG)?.is_none() {
            sources.flags.push((&LOG, "off".to_owned()));
        }
        Ok(sources)
    }
}

/// An operators' command in progress.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) service: Arc<Service>,
    pub(crate) configuration: Configuration,
    pub(crate) output: Output,
    actor: Principal,
}

impl Session {
    /// Reads the settings and opens the store.
    ///
    /// # Errors
    /// When a setting is invalid.
    pub(crate) fn open(flags: &CommonFlags) -> Result<Self, Failure> {
        let sources = flags.settings.sources()?;
        let configuration = Configuration::read(&sources)?;
        logging::start(&configuration::log(&sources)?)?;
        let store = store::open(&configuration, &Arc::new(Metrics::new()))?;
        let platform = Platform::open(configuration.platform_options(store)?)?;
        Ok(Self {
            service: Arc::clone(platform.service()),
            configuration,
            output: Output::new(flags.json),
            actor: flags.actor.clone(),
        })
    }

    /// Creates a call by the actor.
    pub(crate) fn call(&self) -> Call {
        Call::by(RequestContext::fresh(), self.actor.clone())
    }

    /// Creates a call for a change that takes effect once per idempotency key.
    pub(crate) fn call_once(&self, key: Option<&String>, target: &str, body: &serde_json::Value) -> Call {
        let mut call = self.call();
        call.idempotency = key.map(|key| IdempotencyRequest {
            key: key.clone(),
            target: format!("dezky {target}"),
            body: body.to_string().into_bytes(),
        });
        call
    }
}

/// Finds a tenant by id or slug.
///
/// # Errors
/// `not_found`, with its name.
pub(crate) async fn tenant(session: &Session, named: &str) -> Result<TenantView, Failure> {
    let found = session.service.read_tenant(&session.call(), &TenantReference::from(named)).await;
    found.map_err(|error| Failure::of_missing(&error, || format!("there is no tenant `{}`", named.escape_debug())))
}

/// Idempotency key of a command.
#[derive(Debug, Args)]
pub(crate) struct OnceFlags {
    /// Idempotency key: repeating the command with it has no further effect; kept for 24 hours
    #[arg(long, value_name = "KEY", value_parser = idempotency_key)]
    pub(crate) idempotency_key: Option<String>,
}

fn idempotency_key(text: &str) -> Result<String, String> {
    let fits = (1..=255).contains(&text.len()) && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    if fits { Ok(text.to_owned()) } else { Err("must be 1 to 255 printable ASCII characters".to_owned()) }
}

/// Converts the error of a use case into the failure of the command.
pub(crate) fn settled<T>(result: dezky::Result<T>) -> Result<T, Failure> {
    result.map_err(|error| Failure::of_operation(&error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn actors_have_plain_names_that_are_nobody_elses() {
        assert!(matches!(actor("nightly-report").unwrap(), Principal::System(name) if name == "nightly-report"));
        assert!(actor("maria@ops:host-1").is_ok());
        for refused in ["", "seed", "outbox", "a b", "a\nb", &"x".repeat(65)] {
            assert!(actor(refused).is_err(), "{refused}");
        }
    }
}
