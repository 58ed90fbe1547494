//! The error of outbound requests.

use std::{borrow::Cow, time::Duration};

use http::StatusCode;

use crate::error::{Code, Error};

/// Kinds of failures of an outbound request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OutboundErrorKind {
    /// A request that cannot be sent as it was built.
    InvalidRequest,
    /// An address, or a scheme, that the client may not connect to.
    RefusedAddress,
    /// No connection; nothing was sent.
    Connect,
    /// No connection over TLS: a certificate that is not trusted, or no TLS at all.
    Tls,
    /// A connection that broke after the request was sent.
    Interrupted,
    /// No response in time.
    Timeout,
    /// A body larger than the limit.
    TooLarge,
    /// A status other than success.
    BadStatus,
    /// A body that cannot be read as what it should be.
    BadBody,
    /// A redirect that is not followed.
    Redirect,
}

/// Failure of an outbound request.
///
/// The text has neither secrets nor query strings, and at most a short excerpt of a response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct OutboundError {
    kind: OutboundErrorKind,
    message: Cow<'static, str>,
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
}

impl OutboundError {
    pub(super) fn new(kind: OutboundErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), status: None, retry_after: None }
    }

    pub(super) fn with_status(mut self, status: StatusCode, retry_after: Option<Duration>) -> Self {
        self.status = Some(status);
        self.retry_after = retry_after;
        self
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> OutboundErrorKind {
        self.kind
    }

    /// Returns the text for an operator.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the status of the response, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Returns the time that the response asks to wait for, bounded to one hour.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns `true` if the same request may succeed later without a change here.
    #[must_use]
    pub fn may_retry(&self) -> bool {
        match self.kind {
            OutboundErrorKind::Connect | OutboundErrorKind::Interrupted | OutboundErrorKind::Timeout => true,
            OutboundErrorKind::BadStatus => self.status.is_some_and(is_transient),
            _ => false,
        }
    }
}

/// Returns `true` if a status says that the request was not handled this time.
pub(super) fn is_transient(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// Converts a failure: what may pass is `Unavailable`, anything else a defect for an operator. Callers read no details.
impl From<OutboundError> for Error {
    fn from(error: OutboundError) -> Self {
        if !error.may_retry() {
            return Self::internal(error.message.clone()).with_source(error);
        }
        let message = "a system behind this service does not answer as it should; try again later";
        let unavailable = Self::new(Code::UPSTREAM_UNAVAILABLE, message);
        match error.retry_after {
            Some(wait) => unavailable.with_retry_after(wait).with_source(error),
            None => unavailable.with_source(error),
        }
    }
}
