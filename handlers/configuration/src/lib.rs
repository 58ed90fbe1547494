//! Configuration: `dezky.toml`, overridden by `DEZKY_*` variables, overridden by flags.
//!
//! A wrong setting is refused with one line that says where it stands and what to do.

mod component;
mod issuers;
mod limits;
mod location;
mod logging;
#[cfg(feature = "opening")]
mod opening;
mod secrets;
pub mod settings;
mod sources;
#[cfg(test)]
mod tests;
mod values;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use dezky::{
    Result,
    authn::{IssuerSettings, keys::extra_ca_certificates},
    service::{ServiceSettings, operation::SeedSettings},
};

pub use component::{ComponentSettings, Isolation, Writers};
pub use limits::{ForwardedHeader, LimitSettings, Network, Rate, counted};
pub use location::StoreLocation;
#[cfg(all(feature = "opening", not(feature = "mongodb")))]
pub use opening::no_mongodb;
pub use secrets::SecretFile;
pub use settings::{
    ADDRESS_BURST, ADDRESS_RATE, CALLER_BURST, CALLER_RATE, COMPONENT, FORWARDED_HEADER, ISOLATION, LISTEN, LOG,
    LOG_FORMAT, OIDC_AUDIENCE, OIDC_ISSUER, OIDC_PRIVATE_ADDRESSES, OPERATIONS_LISTEN, PLATFORM_ADMIN_GROUP,
    PUBLIC_DOMAIN, REQUESTS_IN_FLIGHT, STORE, Setting, TRUSTED_PROXIES,
};
pub use sources::{File, Origin, Sources, refuse};
pub use values::{LogFormat, LogSettings};

/// All settings of a server.
#[derive(Debug)]
pub struct Configuration {
    /// The store.
    pub store: StoreLocation,
    /// Where the store's location stands.
    pub store_origin: Origin,
    /// Where to listen.
    pub listen: Listen,
    /// Where to tell metrics and details of readiness; without it, there, to callers on this machine.
    pub operations: Option<Listen>,
    /// The issuers whose tokens are accepted. May be empty where no token is verified.
    pub issuers: Vec<IssuerSettings>,
    /// Tenants live at `<slug>.<this>`.
    pub public_domain: Option<String>,
    /// Members of this group administer the platform.
    pub platform_admin_group: Option<String>,
    /// The first tenant.
    pub seed: SeedSettings,
    /// PEM of added CA certificates.
    pub extra_ca_certificates: Option<Vec<u8>>,
    /// What one caller, one address and all together may ask.
    pub limits: LimitSettings,
    /// The component that serves the API; without one it is served natively.
    pub component: Option<ComponentSettings>,
    /// How long requests are still accepted after SIGTERM, while `/readyz` says that the process ends.
    pub drain: Duration,
    /// How long personal values are kept beside the audit trail; for ever without it.
    pub audit_details: Option<Duration>,
    /// Files in which secrets of these settings stand.
    pub secret_files: Vec<SecretFile>,
}

/// Where to listen, and where that stands.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Address and port; port 0 is any free one.
    pub address: SocketAddr,
    /// Where that stands.
    pub origin: Origin,
}

impl Configuration {
    /// Where the file is looked for when nothing names it.
    pub const DEFAULT_FILE: &'static str = "dezky.toml";

    /// All settings, each checked. Issuers may be missing: see [`Configuration::require_issuers`].
    ///
    /// # Errors
    /// Kind `Configuration` with one line for the first setting that is wrong.
    pub fn read(sources: &Sources) -> Result<Self> {
        sources.check_variables()?;
        let (store, store_origin) = location::read(sources)?;
        let platform_admin_group = values::platform_admin_group(sources)?;
        let seed = values::seed(sources, platform_admin_group.as_deref())?;
        let extra_ca = sources.find(&settings::EXTRA_CA_CERTS)?;
        let extra_ca_certificates = extra_ca_certificates(|name| match name {
            settings::NODE_EXTRA_CA_CERTS => sources.variable(settings::NODE_EXTRA_CA_CERTS).map(|found| found.text),
            _ => extra_ca.as_ref().map(|found| found.text.clone()),
        })?;
        let pem = extra_ca_certificates.as_deref();
        let secret_files = secrets::files(&store, &store_origin, extra_ca.as_ref(), pem);
        Ok(Self {
            store,
            store_origin,
            listen: values::listen(sources)?,
            operations: values::operations(sources)?,
            issuers: issuers::read(sources)?,
            public_domain: values::public_domain(sources)?,
            platform_admin_group,
            seed,
            extra_ca_certificates,
            limits: limits::read(sources)?,
            component: component::read(sources)?,
            drain: values::drain(sources)?,
            audit_details: values::audit_details(sources)?,
            secret_files,
        })
    }

    /// Refuses to go on without an issuer.
    ///
    /// # Errors
    /// Kind `Configuration`.
    pub fn require_issuers(&self) -> Result<()> {
        if self.issuers.is_empty() {
            return Err(refuse(
                "no issuer is configured, so that nobody could sign in: set `DEZKY_OIDC_ISSUER` and \
                 `DEZKY_OIDC_AUDIENCE`, or add `[[issuers]]` to the configuration file",
            ));
        }
        Ok(())
    }

    /// What the use cases are set up with.
    pub fn service_settings(&self) -> ServiceSettings {
        ServiceSettings {
            platform_admin_group: self.platform_admin_group.clone(),
            public_domain: self.public_domain.clone(),
            issuer_ids: self.issuers.iter().map(|issuer| issuer.id.clone()).collect(),
            longest_token_life: IssuerSettings::longest_token_life(&self.issuers),
            audit_details: self.audit_details,
            ..ServiceSettings::default()
        }
    }
}

/// The sources of this process: its flags, its environment and the file that they name.
///
/// # Errors
/// Kind `Configuration` when the file cannot be read, or a variable is not UTF-8.
pub fn sources_of_process(config: Option<PathBuf>, flags: Vec<(&'static Setting, String)>) -> Result<Sources> {
    let mut sources = Sources { flags, environment: values::environment()?, ..Sources::default() };
    let named = match config {
        Some(path) => Some((path, Origin::Flag("config"))),
        None => sources.variable(settings::CONFIG_VARIABLE).map(|found| (found.text.into(), found.origin)),
    };
    sources.file = match named {
        Some((path, origin)) => {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| refuse(format!("{origin}: the file `{}` cannot be read ({error})", path.display())))?;
            Some(File::parse(path, &text)?)
        }
        None => {
            let path = PathBuf::from(Configuration::DEFAULT_FILE);
            match std::fs::read_to_string(&path) {
                Ok(text) => Some(File::parse(path, &text)?),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => return Err(refuse(format!("the file `{}` cannot be read ({error})", path.display()))),
            }
        }
    };
    Ok(sources)
}

/// The sources of `dezky dev`: no file, since everything but where to listen and what to log is given.
///
/// # Errors
/// As [`sources_of_process`].
pub fn sources_without_file(flags: Vec<(&'static Setting, String)>) -> Result<Sources> {
    let sources = Sources { flags, environment: values::environment()?, ..Sources::default() };
    sources.check_variables()?;
    Ok(sources)
}

/// Where to listen.
///
/// # Errors
/// Kind `Configuration`.
pub fn listen(sources: &Sources) -> Result<Listen> {
    values::listen(sources)
}

/// The component that serves the API, if one does.
///
/// # Errors
/// Kind `Configuration`.
pub fn component(sources: &Sources) -> Result<Option<ComponentSettings>> {
    component::read(sources)
}

/// What to log.
///
/// # Errors
/// Kind `Configuration`.
pub fn log(sources: &Sources) -> Result<LogSettings> {
    values::log(sources)
}
