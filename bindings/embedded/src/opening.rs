//! Opens a platform from the options of a package.

use std::{path::PathBuf, sync::Arc};

use axum::Router;
use dezky::{
    Platform, Result,
    authn::IssuerSettings,
    clock::Clock,
    service::ServiceSettings,
    work::{Driver, TaskChoice},
    workspace::Worker,
};
use dezky_configuration::{
    Configuration, LOG, OIDC_AUDIENCE, OIDC_ISSUER, PLATFORM_ADMIN_GROUP, PUBLIC_DOMAIN, STORE, Setting, Sources, log,
    refuse, settings::EXTRA_CA_CERTS, sources_of_process,
};
use serde::Deserialize;

use crate::{IssuerView, SettingsView};

/// The options of `open`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Options {
    /// The store.
    pub store: Option<String>,
    /// URL of the issuer `default`.
    pub oidc_issuer: Option<String>,
    /// Accepted audiences of tokens from the issuer `default`.
    pub oidc_audience: Option<Texts>,
    /// All issuers, replacing all other issuer settings.
    pub issuers: Option<Vec<IssuerSettings>>,
    /// Domain of the tenants' hosts, `<slug>.<public_domain>`.
    pub public_domain: Option<String>,
    /// Group whose members administer the platform.
    pub platform_admin_group: Option<String>,
    /// PEM file with CA certificates in addition to the system's.
    pub extra_ca_certs: Option<String>,
    /// Log filter. Default: `warn`.
    pub log: Option<String>,
    /// The configuration file.
    pub config: Option<PathBuf>,
    /// Reads environment variables, and the default configuration file. Default: `true`.
    pub environment: Option<bool>,
    /// Background tasks that this process runs: `all`, or names. Default: none.
    pub tasks: Option<Texts>,
}

/// One text or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Texts {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Texts {
    /// Joins them as settings do, with commas.
    fn joined(self) -> String {
        match self {
            Self::One(text) => text,
            Self::Many(texts) => texts.join(","),
        }
    }
}

/// Naming convention of options in the other language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// `publicDomain`
    Camel,
    /// `public_domain`
    Snake,
}

/// An opened platform.
#[derive(Debug)]
pub struct Opened {
    /// The platform.
    pub platform: Platform,
    /// Its router.
    pub router: Router,
    /// Its background tasks, which end with it.
    _driver: Driver,
}

impl Options {
    /// Parses the options.
    ///
    /// # Errors
    /// Kind `Configuration` when they are invalid.
    pub fn parse(json: &str) -> Result<Self> {
        serde_json::from_str(json).map_err(|error| refuse(format!("the options of `open`: {error}")))
    }

    /// Parses the option `issuers`.
    ///
    /// # Errors
    /// Kind `Configuration` when it is invalid.
    pub fn parse_issuers(json: &str) -> Result<Vec<IssuerSettings>> {
        serde_json::from_str(json).map_err(|error| refuse(format!("the option `issuers`: {error}")))
    }

    fn sources(self, names: Names) -> Result<(Sources, Option<Vec<IssuerSettings>>, TaskChoice)> {
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
        let tasks = TaskChoice::parse(&self.tasks.map(Texts::joined).unwrap_or_default())
            .map_err(|error| refuse(format!("the option `tasks`: {}", error.message())))?;
        let audiences = self.oidc_audience.map(Texts::joined);
        let name = |camel, snake| if names == Names::Camel { camel } else { snake };
        let given: [(&'static Setting, &'static str, Option<String>); 7] = [
            (&STORE, "store", self.store),
            (&OIDC_ISSUER, name("oidcIssuer", "oidc_issuer"), self.oidc_issuer),
            (&OIDC_AUDIENCE, name("oidcAudience", "oidc_audience"), audiences),
            (&PUBLIC_DOMAIN, name("publicDomain", "public_domain"), self.public_domain),
            (&PLATFORM_ADMIN_GROUP, name("platformAdminGroup", "platform_admin_group"), self.platform_admin_group),
            (&EXTRA_CA_CERTS, name("extraCaCerts", "extra_ca_certs"), self.extra_ca_certs),
            (&LOG, "log", self.log),
        ];
        sources.options = given.into_iter().filter_map(|(setting, name, text)| Some((setting, name, text?))).collect();
        Ok((sources, self.issuers, tasks))
    }

    /// Returns the settings that the options name, without opening anything.
    ///
    /// # Errors
    /// Kind `Configuration` when a setting is invalid.
    pub fn settings(self, names: Names) -> Result<SettingsView> {
        let (sources, issuers, _) = self.sources(names)?;
        let configuration = Configuration::read(&sources)?;
        let issuers = issuers.unwrap_or(configuration.issuers);
        let view = |issuer: IssuerSettings| IssuerView { id: issuer.id, urls: issuer.urls, tenant: issuer.tenant };
        Ok(SettingsView {
            store: configuration.store.setting(),
            store_identity: configuration.store.identity(),
            issuers: issuers.into_iter().map(view).collect(),
        })
    }

    /// Opens a platform. Must be called on the runtime that it is to use.
    ///
    /// Without an issuer no token is accepted, which is enough for calls by system actors.
    ///
    /// # Errors
    /// Kind `Configuration` when a setting is invalid.
    pub fn open(self, names: Names, clock: Arc<dyn Clock>) -> Result<Opened> {
        let (mut sources, issuers, tasks) = self.sources(names)?;
        if sources.find(&LOG)?.is_none() {
            // A library is silent unless there is a problem.
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
        let mut settings = configuration.service_settings();
        if settings.issuer_ids.is_empty() {
            // Nobody can sign in here, but people are stored under the name of a single issuer.
            settings.issuer_ids = ServiceSettings::default().issuer_ids;
        }
        let worker = configuration.worker()?;
        let mail = worker.as_deref().and_then(Worker::mail_passwords);
        let options = configuration.platform_options(store)?.service(settings).clock(clock).mail(mail);
        let platform = Platform::open(options)?;
        platform.start();
        let reached = configuration.reached(worker)?;
        let driver = Driver::start(platform.service(), tasks.tasks(configuration.seed, reached));
        let router = platform.router();
        Ok(Opened { platform, router, _driver: driver })
    }
}

/// Logs to standard error. A process has one log, which the first platform configures.
fn start_log(sources: &Sources) -> Result<()> {
    if !log(sources)?.start()? {
        tracing::debug!("the log is set up already");
    }
    Ok(())
}
