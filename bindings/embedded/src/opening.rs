//! From options to everything that answers calls.

use std::{path::PathBuf, sync::Arc};

use axum::Router;
use dezky::{
    Platform, Result,
    authn::IssuerSettings,
    clock::Clock,
    service::ServiceSettings,
    work::{Driver, TaskChoice},
};
use dezky_configuration::{
    Configuration, LOG, OIDC_AUDIENCE, OIDC_ISSUER, PLATFORM_ADMIN_GROUP, PUBLIC_DOMAIN, STORE, Setting, Sources, log,
    refuse, settings::EXTRA_CA_CERTS, sources_of_process,
};
use serde::Deserialize;

use crate::{IssuerView, SettingsView};

/// What `open` is given.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Options {
    /// The store.
    pub store: Option<String>,
    /// URL of the issuer `default`.
    pub oidc_issuer: Option<String>,
    /// Client ids that tokens of the issuer `default` may be for.
    pub oidc_audience: Option<Texts>,
    /// All issuers, in place of every other setting of issuers.
    pub issuers: Option<Vec<IssuerSettings>>,
    /// Tenants live at `<slug>.<this>`.
    pub public_domain: Option<String>,
    /// Members of this group administer the platform.
    pub platform_admin_group: Option<String>,
    /// PEM file of authorities beside the system's.
    pub extra_ca_certs: Option<String>,
    /// What is logged. Default: `warn`.
    pub log: Option<String>,
    /// The configuration file.
    pub config: Option<PathBuf>,
    /// Whether variables, and a file that no option names, are read. Default: yes.
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

/// How the other language writes the names of options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// `publicDomain`
    Camel,
    /// `public_domain`
    Snake,
}

/// Everything that answers calls.
#[derive(Debug)]
pub struct Opened {
    /// The platform.
    pub platform: Platform,
    /// Its router, which answers requests.
    pub router: Router,
    /// Its background tasks, which end with it.
    _driver: Driver,
}

impl Options {
    /// Reads the options.
    ///
    /// # Errors
    /// Kind `Configuration` when they are none.
    pub fn parse(json: &str) -> Result<Self> {
        serde_json::from_str(json).map_err(|error| refuse(format!("the options of `open`: {error}")))
    }

    /// Reads the option `issuers`.
    ///
    /// # Errors
    /// Kind `Configuration` when it is none.
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

    /// What the options name, with nothing opened.
    ///
    /// # Errors
    /// Kind `Configuration` when a setting is wrong.
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

    /// Opens what the options name. Without an issuer no token is accepted, which is enough for who calls as the system. Must be called on the runtime on which it is to live.
    ///
    /// # Errors
    /// Kind `Configuration` when a setting is wrong.
    pub fn open(self, names: Names, clock: Arc<dyn Clock>) -> Result<Opened> {
        let (mut sources, issuers, tasks) = self.sources(names)?;
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
        let mut settings = configuration.service_settings();
        if settings.issuer_ids.is_empty() {
            // Nobody can sign in here; people are still stored under the name that a single issuer has.
            settings.issuer_ids = ServiceSettings::default().issuer_ids;
        }
        let platform = Platform::open(configuration.platform_options(store).service(settings).clock(clock))?;
        platform.start();
        let driver = Driver::start(platform.service(), tasks.tasks(configuration.seed));
        let router = platform.router();
        Ok(Opened { platform, router, _driver: driver })
    }
}

/// Logs to standard error. One process has one log: whoever opens first decides.
fn start_log(sources: &Sources) -> Result<()> {
    if !log(sources)?.start()? {
        tracing::debug!("the log is set up already");
    }
    Ok(())
}
