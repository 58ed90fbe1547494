//! What travels with every call of a port: who calls, until when, and under which identifiers.

use std::time::{Duration, Instant};

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

/// Accompanies a request through every port.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// On whose behalf.
    pub caller: Caller,
    /// When the answer is of no use any more.
    pub deadline: Instant,
    /// Identifies the request in logs, audit events, problems and the `X-Request-Id` header.
    pub request_id: String,
    /// The W3C `traceparent` header as it came in, if it was well formed.
    pub trace_parent: Option<String>,
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
            trace_parent: None,
        }
    }

    /// A context for work that the system does by itself, under a fresh request id.
    pub fn system(name: impl Into<String>) -> Self {
        let mut context = Self::new(crate::domain::ObjectId::generate().to_string());
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
