//! Request context for port calls: caller, deadline and identifiers.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use crate::trace::TraceContext;

/// Caller of a request, as far as known. For logs, audit and the second lock; never for decisions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Caller {
    /// No known caller: a public route, or a request whose token is not verified yet.
    #[default]
    Anonymous,
    /// Bearer of a verified token.
    Subject {
        /// Stable `id` of the configured issuer.
        issuer: String,
        /// `sub` of the token.
        subject: String,
    },
    /// Named system actor, such as `nightly-report`.
    System(String),
    /// Bearer of an API key, by the key's id.
    ApiKey(String),
}

macro_rules! system_actors {
    ($($(#[$doc:meta])* $actor:ident = $name:literal,)*) => {
        /// A part of the system that acts by itself. Its name is reserved and appears in the audit trail.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum SystemActor {
            $($(#[$doc])* $actor,)*
        }

        impl SystemActor {
            /// All system actors.
            pub const ALL: &'static [Self] = &[$(Self::$actor),*];

            /// Returns the name in the audit trail.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$actor => $name,)*
                }
            }
        }
    };
}

system_actors! {
    /// Follows what the payment provider has.
    Billing = "payment-provider",
    /// Moves subscriptions through their life.
    Lifecycle = "lifecycle",
    /// Syncs rights with the claims of a token.
    ClaimsSync = "claims-sync",
    /// Diagnoses an installation.
    Doctor = "doctor",
    /// Deletes expired documents.
    Housekeeping = "housekeeping",
    /// Mails invitations, and closes those that nobody accepts.
    Invitations = "invitations",
    /// Maintains the keys of issuers.
    Keys = "keys",
    /// Ends sessions that an identity provider has ended.
    Logout = "logout",
    /// Upgrades and copies stores.
    Migrate = "migrate",
    /// Mails notices to the owners of tenants.
    Notices = "notices",
    /// Handles the consequences of changes.
    Outbox = "outbox",
    /// Provisions the systems behind a tenant.
    Provisioning = "provisioning",
    /// Checks the health of the store.
    Readiness = "readiness",
    /// Creates the first tenant.
    Seed = "seed",
    /// Delivers events to endpoints.
    Webhooks = "webhooks",
}

impl SystemActor {
    /// Returns the system actor that a name would be confused with, ignoring case and separators.
    #[must_use]
    pub fn taken_for(name: &str) -> Option<Self> {
        let letters = |text: &str| -> String {
            text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
        };
        let given = letters(name);
        Self::ALL.iter().copied().find(|actor| letters(actor.name()) == given)
    }
}

/// Outcome of looking at a request's token, for log lines about refusals; never for decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presentation {
    /// The token was verified.
    Verified(Caller),
    /// The token was refused or missing.
    Refused {
        /// Code of the refusal.
        code: &'static str,
        /// Stable `id` of the configured issuer that the token claims, which proves nothing.
        issuer: Option<String>,
    },
}

/// Shared slot for the outcome of looking at a token. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Presented(Arc<OnceLock<Presentation>>);

impl Presented {
    /// Records the outcome. The first one counts.
    pub fn note(&self, presentation: Presentation) {
        let _first = self.0.set(presentation);
    }

    /// Returns the recorded outcome.
    #[must_use]
    pub fn get(&self) -> Option<&Presentation> {
        self.0.get()
    }
}

/// Request data passed through every port.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// Caller.
    pub caller: Caller,
    /// Deadline after which the answer is useless.
    pub deadline: Instant,
    /// Request id in logs, audit events, problems and the `X-Request-Id` header.
    pub request_id: String,
    /// Request id of the client, if sent in plain characters. It supplements the id in audit events.
    pub client_request_id: Option<String>,
    /// Span of the request within its trace; `None` for work that no request asked for.
    pub trace: Option<TraceContext>,
    /// Outcome of looking at the token, once known.
    pub presented: Presented,
    /// Address of the client, where the edge knows it.
    pub client_address: Option<IpAddr>,
}

impl RequestContext {
    /// Default timeout of a request.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

    /// Creates a context for a further step of the same request, with a timeout counted from now.
    #[must_use]
    pub fn renewed(&self, timeout: Duration) -> Self {
        Self { deadline: Instant::now() + timeout, presented: Presented::default(), ..self.clone() }
    }

    /// Creates a context with this request id and the default timeout.
    pub fn new(request_id: impl Into<String>) -> Self {
        Self::within(request_id, Self::DEFAULT_TIMEOUT)
    }

    /// Creates a context with a timeout, counted from now.
    pub fn within(request_id: impl Into<String>, timeout: Duration) -> Self {
        Self {
            caller: Caller::Anonymous,
            deadline: Instant::now() + timeout,
            request_id: request_id.into(),
            client_request_id: None,
            trace: None,
            presented: Presented::default(),
            client_address: None,
        }
    }

    /// Creates a context with a fresh request id.
    #[must_use]
    pub fn fresh() -> Self {
        Self::new(crate::object_id::ObjectId::generate().to_string())
    }

    /// Creates a context for work of a system actor, with a fresh request id.
    #[must_use]
    pub fn by_part(part: SystemActor) -> Self {
        let mut context = Self::fresh();
        context.caller = Caller::System(part.name().to_owned());
        context
    }

    /// Creates a context for an actor of any name, for tests. Parts of the system use [`SystemActor`].
    #[cfg(any(test, feature = "test-kit"))]
    pub fn system(name: impl Into<String>) -> Self {
        let mut context = Self::fresh();
        context.caller = Caller::System(name.into());
        context
    }

    /// Replaces the deadline, counted from now.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.deadline = Instant::now() + timeout;
        self
    }

    /// Returns the time left until the deadline; zero when it has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}
