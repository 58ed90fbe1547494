//! Use cases, one file an operation. Each loads the facts, asks the policy, changes the domain and commits.

pub mod access;
pub mod audit;
pub mod call;
pub mod cursor;
pub mod effect;
mod filter;
pub mod idempotency;
pub mod launcher;
pub mod members;
mod moment;
pub mod operation;
pub mod profile;
pub mod rights;
pub mod sessions;
pub mod subscriptions;
pub mod tenants;
pub mod users;
pub mod views;
mod work;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

pub use call::{Call, IdempotencyRequest, IfMatch, Principal};
pub use cursor::{ListRequest, Page};
pub use effect::{Effect, Performed};

use crate::{
    clock::Clock,
    error::{Code, Error},
    store::{SharedStore, StoreError},
};

/// What can be set about the service.
#[derive(Debug, Clone)]
pub struct ServiceSettings {
    /// Members of this group administer the platform. Without it nobody does by claim.
    pub platform_admin_group: Option<String>,
    /// Tenants live at `<slug>.<this>`.
    pub public_domain: Option<String>,
    /// Ids of the configured issuers; users of others cannot be created.
    pub issuer_ids: Vec<String>,
    /// How far clocks may be apart. Default: 30 s.
    pub leeway: Duration,
    /// The longest life of an access token of any issuer: so long an ended session is remembered. Default: 24 h.
    pub longest_token_life: Duration,
    /// How long personal values are kept beside the audit trail; for ever without it. Default: 365 days.
    pub audit_details: Option<Duration>,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            platform_admin_group: None,
            public_domain: None,
            issuer_ids: vec![crate::domain::user::DEFAULT_ISSUER.to_owned()],
            leeway: Duration::from_secs(30),
            longest_token_life: crate::authn::TokenLife::DEFAULT.duration(),
            audit_details: Some(Duration::from_secs(365 * 24 * 60 * 60)),
        }
    }
}

/// The number of the next service; zero is none's.
static NUMBER: AtomicU64 = AtomicU64::new(1);

/// The use cases over a store.
#[derive(Debug)]
pub struct Service {
    store: SharedStore,
    clock: moment::ServiceClock,
    settings: ServiceSettings,
    subject_hash: users::tombstone::SubjectHashKey,
    effect: Option<Arc<dyn Effect>>,
    /// Tells services of one process apart.
    number: u64,
    sees_to_first_uses: bool,
}

impl Service {
    /// The use cases over this store.
    #[must_use]
    pub fn new(store: SharedStore, clock: Arc<dyn Clock>, settings: ServiceSettings) -> Self {
        Self {
            store,
            clock: moment::ServiceClock::new(clock),
            settings,
            subject_hash: users::tombstone::SubjectHashKey::default(),
            effect: None,
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            sees_to_first_uses: true,
        }
    }

    /// The same where the first use of each token is seen to elsewhere, before anything is asked here.
    #[must_use]
    pub fn without_first_uses(mut self) -> Self {
        self.sees_to_first_uses = false;
        self
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &SharedStore {
        &self.store
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &ServiceSettings {
        &self.settings
    }
}

/// What another writer's coming first looks like to `Service::settle`, which runs the use case again.
fn conflict(error: StoreError) -> Error {
    Error::new(Code::CONFLICT, "it was changed by somebody else meanwhile: read it again and retry").with_source(error)
}
