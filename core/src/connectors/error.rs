//! The error of connectors.

use std::time::Duration;

use crate::outbound::{OutboundError, OutboundErrorKind};

/// Result of a connector's operation.
pub type ConnectorResult<T> = Result<T, ConnectorError>;

/// Failure of a connector's operation.
///
/// `why` is safe to show to the tenant's administrators: it has neither secrets nor query strings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectorError {
    /// The system refuses the credential, or the credential lacks a right.
    #[error("{why}")]
    Unauthorized {
        /// Text for an operator.
        why: String,
    },
    /// Another object stands in the way.
    #[error("{why}")]
    Conflict {
        /// Id of the object that exists, if the system tells it.
        existing: Option<String>,
        /// Text for an operator.
        why: String,
    },
    /// A failure that may pass: no answer, a server error, a rate limit. The operation may have happened.
    #[error("{why}")]
    Retryable {
        /// Time that the system asks to wait for.
        after: Option<Duration>,
        /// Text for an operator.
        why: String,
    },
    /// The system refuses the request as it is. Repeating it changes nothing.
    #[error("{why}")]
    Rejected {
        /// Text for an operator.
        why: String,
    },
    /// The system answers in a form that this client does not know.
    #[error("{why}")]
    Incompatible {
        /// Version of the system, if it tells one.
        version: Option<String>,
        /// Text for an operator.
        why: String,
    },
}

impl ConnectorError {
    /// Returns `true` if the same operation may succeed later without a change here.
    #[must_use]
    pub fn may_retry(&self) -> bool {
        matches!(self, Self::Retryable { .. })
    }

    /// Returns the stable name of the kind, as in conditions and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unauthorized { .. } => "Unauthorized",
            Self::Conflict { .. } => "Conflict",
            Self::Retryable { .. } => "Unavailable",
            Self::Rejected { .. } => "Rejected",
            Self::Incompatible { .. } => "Incompatible",
        }
    }
}

/// Converts a failure of the request itself. Statuses that mean more for one system are read before.
impl From<OutboundError> for ConnectorError {
    fn from(error: OutboundError) -> Self {
        let why = error.message().to_owned();
        match (error.kind(), error.status().map(|status| status.as_u16())) {
            (OutboundErrorKind::BadStatus, Some(401 | 403)) => Self::Unauthorized { why },
            (OutboundErrorKind::BadStatus, Some(409)) => Self::Conflict { existing: None, why },
            // Not implemented: a mistake in the request, which no retry mends.
            (OutboundErrorKind::BadStatus, Some(501)) => Self::Rejected { why },
            (OutboundErrorKind::BadStatus, Some(status))
                if status >= 500 || status == 408 || status == 425 || status == 429 =>
            {
                Self::Retryable { after: error.retry_after(), why }
            }
            (OutboundErrorKind::BadStatus, _) | (OutboundErrorKind::InvalidRequest, _) => Self::Rejected { why },
            // A body cut short by a broken connection is not JSON either, but arrives as `Interrupted`.
            (OutboundErrorKind::BadBody | OutboundErrorKind::TooLarge | OutboundErrorKind::Redirect, _) => {
                Self::Incompatible { version: None, why }
            }
            (
                OutboundErrorKind::Connect
                | OutboundErrorKind::Tls
                | OutboundErrorKind::Interrupted
                | OutboundErrorKind::Timeout,
                _,
            ) => Self::Retryable { after: error.retry_after(), why },
            (OutboundErrorKind::RefusedAddress, _) => Self::Rejected { why },
        }
    }
}
