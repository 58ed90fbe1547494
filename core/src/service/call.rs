//! A call of a use case: the caller, and the request headers that matter to it.

use std::sync::Arc;

use crate::{
    authn::VerifiedToken,
    context::{Caller, RequestContext, SystemActor},
    domain::api_key::PresentedKey,
    error::{Code, Error, FieldCode, FieldError, Result},
};

/// The caller.
#[derive(Debug, Clone)]
pub enum Principal {
    /// The bearer of a verified token.
    Token(Arc<VerifiedToken>),
    /// A named system actor, such as `nightly-report`.
    System(String),
    /// The bearer of an API key, which each use case compares with the stored one.
    ApiKey(PresentedKey),
}

impl Principal {
    /// Creates a system actor by a chosen name: 1 to 64 letters, digits, `-`, `_`, `.`, `@` or `:`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when the name cannot be used, or is that of a part of the system.
    pub fn named_system(name: &str) -> Result<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@:".contains(&byte);
        let refuse = |code, message| Err(Error::invalid(vec![FieldError::new("name", code, message)]));
        if name.is_empty() || name.len() > 64 || !name.bytes().all(fits) {
            return refuse(FieldCode::INVALID_FORMAT, "must be 1 to 64 letters, digits, `-`, `_`, `.`, `@` or `:`");
        }
        if SystemActor::taken_for(name).is_some() {
            return refuse(FieldCode::RESERVED, "is the name of a part of the system: choose another");
        }
        Ok(Self::System(name.to_owned()))
    }
}

/// An `If-Match` header (RFC 9110 §13.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: any version.
    Any,
    /// One of these entity tags, with their quotes.
    Tags(Vec<String>),
}

/// An `Idempotency-Key` header and the request that it was sent with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRequest {
    /// The key chosen by the caller.
    pub key: String,
    /// Method and path of the request.
    pub target: String,
    /// The body, as it was received.
    pub body: Vec<u8>,
}

impl IdempotencyRequest {
    /// Maximum length of a key.
    const MAXIMUM_KEY: usize = 255;

    /// Returns the key if it can be one: the text of a header.
    pub(crate) fn check_key(key: String) -> Result<String> {
        let is_plain = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
        if key.is_empty() || key.len() > Self::MAXIMUM_KEY || !key.bytes().all(is_plain) {
            let message = "`Idempotency-Key` must be one text of 1 to 255 plain characters";
            return Err(Error::new(Code::INVALID_IDEMPOTENCY_KEY, message));
        }
        Ok(key)
    }
}

/// A call of a use case.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Call {
    /// Context that is passed to every port call.
    pub context: RequestContext,
    /// The caller.
    pub principal: Principal,
    /// The version that the caller expects to change.
    pub if_match: Option<IfMatch>,
    /// Makes a repeated request take effect only once.
    pub idempotency: Option<IdempotencyRequest>,
}

impl Call {
    /// Creates a call by the bearer of a token.
    #[must_use]
    pub fn by_token(mut context: RequestContext, token: Arc<VerifiedToken>) -> Self {
        context.caller = Caller::Subject { issuer: token.issuer_id.clone(), subject: token.subject.clone() };
        Self { context, principal: Principal::Token(token), if_match: None, idempotency: None }
    }

    /// Creates a call by the principal that the edge has identified.
    #[must_use]
    pub fn by(mut context: RequestContext, principal: Principal) -> Self {
        match principal {
            Principal::Token(token) => Self::by_token(context, token),
            Principal::ApiKey(key) => {
                context.caller = Caller::ApiKey(key.id.to_string());
                Self { context, principal: Principal::ApiKey(key), if_match: None, idempotency: None }
            }
            Principal::System(name) => {
                context.caller = Caller::System(name.clone());
                Self { context, principal: Principal::System(name), if_match: None, idempotency: None }
            }
        }
    }

    /// Creates a call by a part of the system.
    #[must_use]
    pub fn by_part(part: SystemActor) -> Self {
        Self {
            context: RequestContext::by_part(part),
            principal: Principal::System(part.name().to_owned()),
            if_match: None,
            idempotency: None,
        }
    }

    /// Creates a call by a system actor of any name, for tests. Elsewhere names come from [`Principal::named_system`],
    /// and those of the system's parts from [`SystemActor`].
    #[cfg(any(test, feature = "test-kit"))]
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

    /// Returns a text that is unique to the caller, for cursors and idempotency keys.
    pub(crate) fn caller_identity(&self) -> String {
        match &self.principal {
            Principal::Token(token) => format!("token\n{}\n{}", token.issuer_id, token.subject),
            Principal::System(name) => format!("system\n{name}"),
            Principal::ApiKey(key) => format!("api-key\n{}", key.id),
        }
    }
}
