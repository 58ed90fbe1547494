//! A call of a use case: who calls, and what comes with it.

use std::sync::Arc;

use crate::{
    authn::VerifiedToken,
    context::{Caller, RequestContext},
};

/// Who calls.
#[derive(Debug, Clone)]
pub enum Principal {
    /// The bearer of a verified token.
    Token(Arc<VerifiedToken>),
    /// A named system actor, such as `nightly-report`.
    System(String),
}

/// An `If-Match` header (RFC 9110 §13.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: any version.
    Any,
    /// One of these entity tags, with their quotes.
    Tags(Vec<String>),
}

/// An `Idempotency-Key` header and what it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRequest {
    /// The key that the caller chose.
    pub key: String,
    /// Method and path of the request.
    pub target: String,
    /// The body, as it came.
    pub body: Vec<u8>,
}

/// A call of a use case.
#[derive(Debug, Clone)]
pub struct Call {
    /// Travels with every port call.
    pub context: RequestContext,
    /// Who calls.
    pub principal: Principal,
    /// The version that the caller expects to change.
    pub if_match: Option<IfMatch>,
    /// Makes a repeated request have one effect.
    pub idempotency: Option<IdempotencyRequest>,
}

impl Call {
    /// A call by the bearer of a token.
    #[must_use]
    pub fn by_token(mut context: RequestContext, token: Arc<VerifiedToken>) -> Self {
        context.caller = Caller::Subject { issuer: token.issuer_id.clone(), subject: token.subject.clone() };
        Self { context, principal: Principal::Token(token), if_match: None, idempotency: None }
    }

    /// A call by a named system actor.
    #[must_use]
    pub fn by_system(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            context: RequestContext::system(name.clone()),
            principal: Principal::System(name),
            if_match: None,
            idempotency: None,
        }
    }

    /// A text that is another for every other caller. For cursors and idempotency keys.
    pub(crate) fn caller_identity(&self) -> String {
        match &self.principal {
            Principal::Token(token) => format!("token\n{}\n{}", token.issuer_id, token.subject),
            Principal::System(name) => format!("system\n{name}"),
        }
    }
}
