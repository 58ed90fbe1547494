//! Use cases, one file an operation. Each loads the facts, asks the policy, changes the domain and commits.

pub mod access;
pub mod api_keys;
pub mod app_passwords;
pub mod audit;
pub mod billing;
pub mod call;
pub mod cursor;
#[cfg(feature = "authn")]
pub mod directories;
pub mod domains;
pub mod effect;
pub mod entitlements;
pub mod evaluations;
pub mod event_endpoints;
pub mod events;
pub mod export;
mod filter;
pub mod idempotency;
pub mod invitations;
pub mod launcher;
pub mod live;
pub mod mailboxes;
pub mod members;
pub(crate) mod moment;
pub(crate) mod place;
pub mod profile;
pub mod rights;
pub(crate) mod seats;
pub mod seed;
pub mod sessions;
pub mod subscriptions;
pub mod tenants;
pub(crate) mod unit_of_work;
pub mod users;
pub mod views;
pub mod workspaces;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

pub use app_passwords::MailPasswords;
pub use billing::BillingProvider;
pub use call::{Call, IdempotencyRequest, IfMatch, Principal};
pub use cursor::{ListRequest, Page};
pub use domains::{PublicRecords, Told};
pub use effect::{Effect, Performed};

use crate::{
    clock::Clock,
    domain::{lifecycle::LifecycleSettings, plan::Catalogue},
    error::{Code, Error},
    store::{SharedStore, StoreError},
};

/// Settings of the service.
#[derive(Debug, Clone)]
pub struct ServiceSettings {
    /// Group whose members administer the platform. Without it, no claim makes an administrator.
    pub platform_admin_group: Option<String>,
    /// Domain below which tenants have their hosts, `<slug>.<public_domain>`.
    pub public_domain: Option<String>,
    /// Ids of the configured issuers. Users of other issuers cannot be created.
    pub issuer_ids: Vec<String>,
    /// Tolerated difference between clocks. Default: 30 s.
    pub leeway: Duration,
    /// Longest lifetime of an access token of any issuer; ended sessions are remembered this long. Default: 24 h.
    pub longest_token_life: Duration,
    /// Systems behind tenants that some process reaches. Default: none.
    pub systems: Vec<crate::domain::workspace::SystemKind>,
    /// Addresses of these systems for people, shown in launchers; of those by hand with `{slug}` in the place of the
    /// tenant's slug. Default: none.
    pub system_urls: std::collections::BTreeMap<crate::domain::workspace::SystemKind, String>,
    /// Time from the deletion of a tenant to the removal of its data, and from the end of a membership to the removal of
    /// its mailboxes. Default: 30 days.
    pub grace: Duration,
    /// Times within the life of a subscription.
    pub lifecycle: LifecycleSettings,
    /// Plans that subscriptions can be to. Default: none, and any name is a plan without terms.
    pub plans: Catalogue,
    /// Times of claims of domains.
    pub domains: crate::domain::tenant_domain::DomainTimes,
    /// Time for which an invitation can be accepted. Default: 14 days.
    pub invitation_life: Duration,
    /// Address at which people who are invited create an account. Default: none.
    pub enrolment_url: Option<String>,
    /// Ids of the configured issuers that are bound to one tenant, by its slug. Default: none.
    pub issuers_of_tenants: std::collections::BTreeMap<String, Vec<String>>,
    /// Retention of personal values beside the audit trail; unlimited if absent. Default: 365 days.
    pub audit_details: Option<Duration>,
    /// Time for which events stay in the log, so that a stream can go on after a pause. Default: three days.
    pub event_retention: Duration,
    /// Retention of audit events by kind, the first part of the names of actions. Default: none, so that events stay.
    pub audit_retention: std::collections::BTreeMap<String, Duration>,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            platform_admin_group: None,
            public_domain: None,
            issuer_ids: vec![crate::domain::user::DEFAULT_ISSUER.to_owned()],
            leeway: Duration::from_secs(30),
            longest_token_life: crate::authn::TokenLife::DEFAULT.duration(),
            systems: Vec::new(),
            system_urls: std::collections::BTreeMap::new(),
            grace: Duration::from_secs(30 * 24 * 60 * 60),
            lifecycle: LifecycleSettings::DEFAULT,
            plans: Catalogue::default(),
            domains: crate::domain::tenant_domain::DomainTimes::default(),
            invitation_life: Duration::from_secs(14 * 24 * 60 * 60),
            enrolment_url: None,
            issuers_of_tenants: std::collections::BTreeMap::new(),
            audit_details: Some(Duration::from_secs(365 * 24 * 60 * 60)),
            event_retention: Duration::from_secs(3 * 24 * 60 * 60),
            audit_retention: std::collections::BTreeMap::new(),
        }
    }
}

impl ServiceSettings {
    /// Returns the slug of the tenant that a configured issuer is bound to.
    #[must_use]
    pub fn tenant_of_issuer(&self, issuer: &str) -> Option<&str> {
        let mut bound = self.issuers_of_tenants.iter();
        bound.find(|(_, issuers)| issuers.iter().any(|one| one == issuer)).map(|(slug, _)| slug.as_str())
    }
}

/// The number of the next service; zero is never used.
static NUMBER: AtomicU64 = AtomicU64::new(1);

/// The use cases over a store.
#[derive(Debug)]
pub struct Service {
    store: SharedStore,
    clock: moment::ServiceClock,
    settings: ServiceSettings,
    subject_hash: users::tombstone::SubjectHashKey,
    effect: Option<Arc<dyn Effect>>,
    mail: Option<Arc<dyn MailPasswords>>,
    records: Option<Arc<dyn PublicRecords>>,
    billing: Option<Arc<dyn BillingProvider>>,
    /// Tells the services of a process apart.
    number: u64,
    sees_to_first_uses: bool,
    /// Held while events are numbered: tasks of a process that need them numbered wait for one of them.
    #[cfg(feature = "authn")]
    numbering: tokio::sync::Mutex<()>,
}

impl Service {
    /// Creates the use cases over this store.
    #[must_use]
    pub fn new(store: SharedStore, clock: Arc<dyn Clock>, settings: ServiceSettings) -> Self {
        Self {
            store,
            clock: moment::ServiceClock::new(clock),
            settings,
            subject_hash: users::tombstone::SubjectHashKey::default(),
            effect: None,
            mail: None,
            records: None,
            billing: None,
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            sees_to_first_uses: true,
            #[cfg(feature = "authn")]
            numbering: tokio::sync::Mutex::new(()),
        }
    }

    /// Sets the mail system in which app passwords are created. Without it, their creation is `mail_not_configured`.
    #[must_use]
    pub fn with_mail(mut self, mail: Option<Arc<dyn MailPasswords>>) -> Self {
        self.mail = mail;
        self
    }

    /// Sets the public DNS in which domains are proven. Without it, their check is `dns_not_configured`.
    #[must_use]
    pub fn with_records(mut self, records: Option<Arc<dyn PublicRecords>>) -> Self {
        self.records = records;
        self
    }

    /// Sets the payment provider. Without it, what needs one is `billing_not_configured`.
    #[must_use]
    pub fn with_billing(mut self, billing: Option<Arc<dyn BillingProvider>>) -> Self {
        self.billing = billing;
        self
    }

    /// Disables handling of first uses of tokens, for when they are handled elsewhere before each call.
    #[must_use]
    pub fn without_first_uses(mut self) -> Self {
        self.sees_to_first_uses = false;
        self
    }

    /// Waits until no other task of this process numbers events.
    #[cfg(feature = "authn")]
    pub(crate) async fn number_alone(&self) -> impl Drop + '_ {
        self.numbering.lock().await
    }

    /// Returns the store.
    #[must_use]
    pub fn store(&self) -> &SharedStore {
        &self.store
    }

    /// Returns the settings.
    #[must_use]
    pub fn settings(&self) -> &ServiceSettings {
        &self.settings
    }
}

/// Returns the error by which `Service::settle` recognizes that another writer came first.
pub(crate) fn conflict(error: StoreError) -> Error {
    Error::new(Code::CONFLICT, "it was changed by somebody else meanwhile: read it again and retry").with_source(error)
}
