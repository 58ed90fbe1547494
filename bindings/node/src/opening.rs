//! From options to everything that answers calls.

use std::{path::PathBuf, sync::Arc};

use axum::Router;
use dezky::{
    Result,
    authn::{IssuerSettings, Verifier},
    clock::Clock,
    http::{HttpState, TokenIdentity, router},
    service::Service,
};
use dezky_configuration::{
    Configuration, LOG, LogFormat, OIDC_AUDIENCE, OIDC_ISSUER, PLATFORM_ADMIN_GROUP, PUBLIC_DOMAIN, STORE, Setting,
    Sources, log, refuse, settings::EXTRA_CA_CERTS, sources_of_process,
};
use serde::Deserialize;
use tokio::task::JoinSet;
use tracing_subscriber::EnvFilter;

use crate::background;

/// What `open` is given.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Options {
    store: Option<String>,
    oidc_issuer: Option<String>,
    oidc_audience: Option<Texts>,
    issuers: Option<Vec<IssuerSettings>>,
    public_domain: Option<String>,
    platform_admin_group: Option<String>,
    extra_ca_certs: Option<String>,
    log: Option<String>,
    config: Option<PathBuf>,
    environment: Option<bool>,
    background: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

/// Everything that answers calls.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) verifier: Verifier,
    pub(crate) router: Router,
    /// Ends with this.
    _background: JoinSet<()>,
}

impl Options {
    /// Reads the options.
    pub(crate) fn parse(json: &str) -> Result<Self> {
        serde_json::from_str(json).map_err(|error| refuse(format!("the options of `open`: {error}")))
    }

    fn sources(self) -> Result<(Sources, Option<Vec<IssuerSettings>>, bool)> {
        let mut sources = if self.environment.unwrap_or(true) {
            sources_of_process(self.config, Vec::new())?
        } else {
            let mut sources = Sources::default();
            if let Some(path) = self.config {
                let text = std::fs::read_to_string(&path).map_err(|error| {
                    refuse(format!("the option `config`: the file `{}` cannot be read ({error})", path.display()))
                })?;
                sources.file = Some(dezky_configuration::File::parse(path, &text)?);
            }
            sources
        };
        let audiences = self.oidc_audience.map(|audiences| match audiences {
            Texts::One(text) => text,
            Texts::Many(texts) => texts.join(","),
        });
        let given: [(&'static Setting, &'static str, Option<String>); 7] = [
            (&STORE, "store", self.store),
            (&OIDC_ISSUER, "oidcIssuer", self.oidc_issuer),
            (&OIDC_AUDIENCE, "oidcAudience", audiences),
            (&PUBLIC_DOMAIN, "publicDomain", self.public_domain),
            (&PLATFORM_ADMIN_GROUP, "platformAdminGroup", self.platform_admin_group),
            (&EXTRA_CA_CERTS, "extraCaCerts", self.extra_ca_certs),
            (&LOG, "log", self.log),
        ];
        sources.options = given.into_iter().filter_map(|(setting, name, text)| Some((setting, name, text?))).collect();
        Ok((sources, self.issuers, self.background.unwrap_or(true)))
    }

    /// Opens what the options name. Must be called on the runtime on which it is to live.
    ///
    /// # Errors
    /// Kind `Configuration` when a setting is wrong.
    pub(crate) fn open(self, clock: Arc<dyn Clock>) -> Result<Opened> {
        let (mut sources, issuers, in_background) = self.sources()?;
        if sources.find(&LOG)?.is_none() {
            // A library keeps quiet unless something is wrong.
            sources.options.push((&LOG, "log", "warn".to_owned()));
        }
        start_log(&sources)?;
        let mut configuration = Configuration::read(&sources)?;
        if let Some(issuers) = issuers {
            IssuerSettings::validate_all(&issuers)
                .map_err(|error| refuse(format!("the option `issuers`: {}", error.message())))?;
            configuration.issuers = issuers;
        }
        let store = configuration.open_store()?;
        let verifier = configuration.verifier(&store, Arc::clone(&clock))?;
        verifier.start();
        let service = Arc::new(Service::new(store, clock, configuration.service_settings()));
        let background = match in_background {
            true => background::start(&service, configuration.seed),
            false => JoinSet::new(),
        };
        let router = router(HttpState::new(service, Arc::new(TokenIdentity::new(verifier.clone()))));
        Ok(Opened { verifier, router, _background: background })
    }
}

/// Logs to standard error. One process has one log: whoever opens first decides.
fn start_log(sources: &Sources) -> Result<()> {
    let settings = log(sources)?;
    let filter = EnvFilter::try_new(&settings.filter).map_err(|error| refuse(format!("the log's filter: {error}")))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    let started = match settings.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("the log is set up already");
    }
    Ok(())
}
