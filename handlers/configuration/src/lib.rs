//! Configuration: `dezky.toml`, overridden by `DEZKY_*` variables, overridden by flags.
//!
//! An invalid setting is refused with one line that names its origin and the fix.

mod audit;
mod billing;
mod component;
mod domains;
mod issuers;
mod limits;
mod location;
mod logging;
mod mail;
#[cfg(feature = "opening")]
mod opening;
mod plans;
mod secrets;
pub mod settings;
mod sources;
mod systems;
#[cfg(test)]
mod tests;
mod values;
mod webhooks;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use dezky::{
    Result,
    authn::{IssuerSettings, keys::extra_ca_certificates},
    connectors::stripe::StripeSettings,
    domain::{lifecycle::LifecycleSettings, plan::Catalogue},
    outbound::Url,
    service::{BillingProvider, ServiceSettings, seed::SeedSettings},
    work::{PlatformMail, Reached, TaskChoice},
    workspace::Worker,
};

pub use audit::AuditHeads;
pub use component::{ComponentSettings, Isolation, Writers};
pub use domains::{DomainSettings, read as domains};
pub use limits::{ForwardedHeader, LimitSettings, Network, Rate, counted};
pub use location::StoreLocation;
pub use mail::MailSettings;
#[cfg(all(feature = "opening", not(feature = "mongodb")))]
pub use opening::no_mongodb;
pub use secrets::SecretFile;
pub use settings::{
    ADDRESS_BURST, ADDRESS_RATE, CALLER_BURST, CALLER_RATE, COMPONENT, FORWARDED_HEADER, ISOLATION, LISTEN, LOG,
    LOG_FORMAT, OIDC_AUDIENCE, OIDC_ISSUER, OIDC_PRIVATE_ADDRESSES, OPERATIONS_LISTEN, PLATFORM_ADMIN_GROUP,
    PUBLIC_DOMAIN, REQUESTS_IN_FLIGHT, STORE, Setting, TASKS, TRUSTED_PROXIES,
};
pub use sources::{File, Origin, Sources, refuse};
pub use systems::SystemsSettings;
pub use values::{LogFormat, LogSettings};

/// All settings of a server.
#[derive(Debug)]
pub struct Configuration {
    /// Store location.
    pub store: StoreLocation,
    /// Origin of the store location.
    pub store_origin: Origin,
    /// Address to listen on.
    pub listen: Listen,
    /// Address for metrics and readiness details; without it, the main address serves them to local callers.
    pub operations: Option<Listen>,
    /// Accepted issuers. May be empty where no token is verified.
    pub issuers: Vec<IssuerSettings>,
    /// Public domain: tenants live at `<slug>.<this>`.
    pub public_domain: Option<String>,
    /// Group whose members administer the platform.
    pub platform_admin_group: Option<String>,
    /// Settings of the first tenant.
    pub seed: SeedSettings,
    /// Added CA certificates as PEM.
    pub extra_ca_certificates: Option<Vec<u8>>,
    /// Limits per caller, per address and in total.
    pub limits: LimitSettings,
    /// Component that serves the API; `None` serves it natively.
    pub component: Option<ComponentSettings>,
    /// Collector to which spans are exported (OTLP over HTTP).
    pub otlp_endpoint: Option<Url>,
    /// Time after SIGTERM during which requests are still accepted while `/readyz` fails.
    pub drain: Duration,
    /// Retention of personal values besides the audit trail; `None` keeps them for ever.
    pub audit_details: Option<Duration>,
    /// Retention of audit events by kind. Default: all are kept.
    pub audit_retention: std::collections::BTreeMap<String, Duration>,
    /// File to which the ends of chains of audit events are written. Default: none.
    pub audit_heads: Option<AuditHeads>,
    /// Time from the deletion of a tenant to the removal of its data. Default: 30 days.
    pub grace: Duration,
    /// Background tasks that this process runs. Default: all.
    pub tasks: TaskChoice,
    /// Times within the life of a subscription.
    pub lifecycle: LifecycleSettings,
    /// Plans that subscriptions can be to. Default: none.
    pub plans: Catalogue,
    /// The systems behind tenants that this process reaches.
    pub systems: SystemsSettings,
    /// Settings of the proof of domains.
    pub domains: DomainSettings,
    /// The payment provider; `None` if none is configured.
    pub stripe: Option<StripeSettings>,
    /// The platform's own mail; `None` if no mail server is configured.
    pub mail: Option<MailSettings>,
    /// Time for which an invitation can be accepted. Default: 14 days.
    pub invitation_life: Duration,
    /// Address at which people who are invited create an account.
    pub enrolment_url: Option<String>,
    /// `true` if endpoints for events may be in private networks and on this machine.
    pub webhooks_private_addresses: bool,
    /// Files that contain secrets of these settings.
    pub secret_files: Vec<SecretFile>,
}

/// An address to listen on, with its origin.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Address and port; port 0 selects a free one.
    pub address: SocketAddr,
    /// Origin.
    pub origin: Origin,
}

impl Configuration {
    /// Path of the file that is used when nothing names one.
    pub const DEFAULT_FILE: &'static str = "dezky.toml";

    /// Reads and validates all settings. Issuers may be missing: see [`Configuration::require_issuers`].
    ///
    /// # Errors
    /// Kind `Configuration` with one line for the first invalid setting.
    pub fn read(sources: &Sources) -> Result<Self> {
        sources.check_variables()?;
        let (store, store_origin, store_file) = location::read(sources)?;
        let platform_admin_group = values::platform_admin_group(sources)?;
        let seed = values::seed(sources, platform_admin_group.as_deref())?;
        let extra_ca = sources.find(&settings::EXTRA_CA_CERTS)?;
        let extra_ca_certificates = extra_ca_certificates(|name| match name {
            settings::NODE_EXTRA_CA_CERTS => sources.variable(settings::NODE_EXTRA_CA_CERTS).map(|found| found.text),
            _ => extra_ca.as_ref().map(|found| found.text.clone()),
        })?;
        let pem = extra_ca_certificates.as_deref();
        let mut secret_files = secrets::files(&store, store_file, extra_ca.as_ref(), pem);
        secret_files.extend(systems::secret_files(sources)?);
        secret_files.extend(mail::secret_files(sources)?);
        secret_files.extend(billing::secret_files(sources)?);
        let plans = plans::read(sources)?;
        let systems = systems::read(sources, pem, plans.clone())?;
        let mail = mail::read(sources, pem)?;
        let stripe = billing::read(sources, pem)?;
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
            otlp_endpoint: values::otlp_endpoint(sources)?,
            drain: values::drain(sources)?,
            audit_details: audit::details(sources)?,
            audit_retention: audit::retention(sources)?,
            audit_heads: audit::heads(sources)?,
            grace: systems::grace(sources)?,
            tasks: values::tasks(sources)?,
            lifecycle: plans::lifecycle(sources)?,
            plans,
            systems,
            domains: domains::read(sources)?,
            stripe,
            mail,
            invitation_life: mail::invitation_life(sources)?,
            enrolment_url: mail::enrolment(sources)?,
            webhooks_private_addresses: webhooks::private_addresses(sources)?,
            secret_files,
        })
    }

    /// Requires at least one issuer.
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

    /// Returns the worker over the systems behind tenants, if any is configured.
    ///
    /// # Errors
    /// Kind `Configuration` when a URL or a credential cannot be used.
    pub fn worker(&self) -> Result<Option<Arc<Worker>>> {
        if self.systems.kinds().is_empty() {
            return Ok(None);
        }
        Ok(Some(Arc::new(Worker::new(self.systems.connect()?, self.systems.workspace.clone()))))
    }

    /// Returns the payment provider, if one is configured.
    ///
    /// # Errors
    /// Kind `Configuration` when the address or the key cannot be used.
    pub fn billing(&self) -> Result<Option<Arc<dyn BillingProvider>>> {
        self.stripe.as_ref().map(billing::provider).transpose()
    }

    /// Returns the platform's own mail, if a mail server is configured.
    ///
    /// # Errors
    /// Kind `Configuration` when the URL, the address or a certificate cannot be used.
    pub fn platform_mail(&self) -> Result<Option<PlatformMail>> {
        self.mail.as_ref().map(MailSettings::platform_mail).transpose()
    }

    /// Returns what background tasks reach outside of the store.
    ///
    /// # Errors
    /// Kind `Configuration` when the mail server or a certificate cannot be used.
    pub fn reached(&self, worker: Option<Arc<Worker>>) -> Result<Reached> {
        let webhooks = webhooks::sender(self.webhooks_private_addresses, self.extra_ca_certificates.as_deref())?;
        Ok(Reached { worker, mail: self.platform_mail()?, webhooks: Some(Arc::new(webhooks)) })
    }

    /// Returns the settings of the use cases.
    pub fn service_settings(&self) -> ServiceSettings {
        ServiceSettings {
            platform_admin_group: self.platform_admin_group.clone(),
            public_domain: self.public_domain.clone(),
            issuer_ids: self.issuers.iter().map(|issuer| issuer.id.clone()).collect(),
            longest_token_life: IssuerSettings::longest_token_life(&self.issuers),
            audit_details: self.audit_details,
            audit_retention: self.audit_retention.clone(),
            systems: self.systems.kinds(),
            system_urls: self.systems.addresses(),
            grace: self.grace,
            lifecycle: self.lifecycle,
            plans: self.plans.clone(),
            domains: self.domains.times,
            invitation_life: self.invitation_life,
            issuers_of_tenants: IssuerSettings::of_tenants(&self.issuers),
            enrolment_url: self.enrolment_url.clone(),
            ..ServiceSettings::default()
        }
    }
}

/// Returns the sources of this process: flags, environment and the file they name.
///
/// # Errors
/// Kind `Configuration` when the file is unreadable, or a variable is not UTF-8.
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

/// Returns the sources of `dezky dev`. There is no file, since only listening and logging are configurable.
///
/// # Errors
/// The errors of [`sources_of_process`].
pub fn sources_without_file(flags: Vec<(&'static Setting, String)>) -> Result<Sources> {
    let sources = Sources { flags, environment: values::environment()?, ..Sources::default() };
    sources.check_variables()?;
    Ok(sources)
}

/// Reads the address to listen on.
///
/// # Errors
/// Kind `Configuration`.
pub fn listen(sources: &Sources) -> Result<Listen> {
    values::listen(sources)
}

/// Reads the component that serves the API, if any.
///
/// # Errors
/// Kind `Configuration`.
pub fn component(sources: &Sources) -> Result<Option<ComponentSettings>> {
    component::read(sources)
}

/// Reads the log settings.
///
/// # Errors
/// Kind `Configuration`.
pub fn log(sources: &Sources) -> Result<LogSettings> {
    values::log(sources)
}
