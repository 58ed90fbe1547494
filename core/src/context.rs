//! What travels with every call of a port: who calls, until when, and under which identifiers.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

/// On whose behalf a call is made, as far as it is known. For logs, audit and the second lock; never for decisions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Caller {
    /// Nobody in particular: a public route, or a request whose token is not verified yet.
    #[default]
    Anonymous,
    /// The bearer of a verified token.
    Subject {
        /// The stable `id` of the configured issuer.
        issuer: String,
        /// The token's `sub`.
        subject: String,
    },
    /// A named system actor, such as `nightly-report`.
    System(String),
}

macro_rules! system_actors {
    ($($(#[$doc:meta])* $actor:ident = $name:literal,)*) => {
        /// A part of the system that acts by itself. Its name stands in the audit trail, and nobody else can have it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum SystemActor {
            $($(#[$doc])* $actor,)*
        }

        impl SystemActor {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$actor),*];

            /// The name in the trail.
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
    /// Brings rights in line with the claims of a token.
    ClaimsSync = "claims-sync",
    /// Looks at what is wrong with an installation.
    Doctor = "doctor",
    /// Forgets what has expired.
    Housekeeping = "housekeeping",
    /// Keeps the keys of issuers.
    Keys = "keys",
    /// Ends sessions that an identity provider has ended.
    Logout = "logout",
    /// Upgrades and copies stores.
    Migrate = "migrate",
    /// Does what follows from changes.
    Outbox = "outbox",
    /// Sets up the systems behind a tenant.
    Provisioning = "provisioning",
    /// Asks the store how it is.
    Readiness = "readiness",
    /// Makes the first tenant.
    Seed = "seed",
}

impl SystemActor {
    /// The part of the system for which a name would be taken, whatever its case and its separators.
    #[must_use]
    pub fn taken_for(name: &str) -> Option<Self> {
        let letters = |text: &str| -> String {
            text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
        };
        let given = letters(name);
        Self::ALL.iter().copied().find(|actor| letters(actor.name()) == given)
    }
}

/// What is known of who presented a token with a request. For lines about refusals; never for decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presentation {
    /// The token was verified.
    Verified(Caller),
    /// It was refused, or there was none.
    Refused {
        /// The code of the refusal.
        code: &'static str,
        /// The stable `id` of the configured issuer that the token names, which proves nothing.
        issuer: Option<String>,
    },
}

/// Where whoever looks at a token notes what came of it. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Presented(Arc<OnceLock<Presentation>>);

impl Presented {
    /// Notes it; the first note counts.
    pub fn note(&self, presentation: Presentation) {
        let _first = self.0.set(presentation);
    }

    /// What was noted.
    #[must_use]
    pub fn get(&self) -> Option<&Presentation> {
        self.0.get()
    }
}

/// Accompanies a request through every port.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// On whose behalf.
    pub caller: Caller,
    /// When the answer is of no use any more.
    pub deadline: Instant,
    /// Identifies the request in logs, audit events, problems and the `X-Request-Id` header.
    pub request_id: String,
    /// What the client calls the request, if it said so in plain characters. Stands beside the id in audit events.
    pub client_request_id: Option<String>,
    /// The W3C `traceparent` header as it came in, if it was well formed.
    pub trace_parent: Option<String>,
    /// Who presented a token, once somebody has looked at it.
    pub presented: Presented,
}

impl RequestContext {
    /// Time that a request may take unless its edge says otherwise.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

    /// A context for a request with this identifier, with the default timeout.
    pub fn new(request_id: impl Into<String>) -> Self {
        Self::within(request_id, Self::DEFAULT_TIMEOUT)
    }

    /// The same with a time of its own, counted from now.
    pub fn within(request_id: impl Into<String>, timeout: Duration) -> Self {
        Self {
            caller: Caller::Anonymous,
            deadline: Instant::now() + timeout,
            request_id: request_id.into(),
            client_request_id: None,
            trace_parent: None,
            presented: Presented::default(),
        }
    }

    /// A context under a fresh request id.
    #[must_use]
    pub fn fresh() -> Self {
        Self::new(crate::domain::ObjectId::generate().to_string())
    }

    /// A context for work that a part of the system does by itself, under a fresh request id.
    #[must_use]
    pub fn by_part(part: SystemActor) -> Self {
        let mut context = Self::fresh();
        context.caller = Caller::System(part.name().to_owned());
        context
    }

    /// The same under any name: for tests. Parts of the system have theirs from [`SystemActor`].
    #[cfg(any(test, feature = "test-kit"))]
    pub fn system(name: impl Into<String>) -> Self {
        let mut context = Self::fresh();
        context.caller = Caller::System(name.into());
        context
    }

    /// The same with another deadline, counted from now.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.deadline = Instant::now() + timeout;
        self
    }

    /// Time left until the deadline; zero when it has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}
