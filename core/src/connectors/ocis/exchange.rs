//! Requests to the system, and what its refusals mean.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    connectors::{ConnectorError, ConnectorResult},
    context::RequestContext,
    outbound::{OriginClient, OutboundError, OutboundErrorKind, Request, Response, Traffic},
};

/// Time after a failed connection for which a 401 is part of a start. The first start took 5 s.
const START: Duration = Duration::from_secs(60);

/// Pause before the credential is tried again during a start.
const START_PAUSE: Duration = Duration::from_secs(5);

/// Sends requests, and tells a starting system from a wrong credential.
#[derive(Debug)]
pub(super) struct Exchanges {
    client: OriginClient,
    last_failure: Mutex<Option<Instant>>,
}

impl Exchanges {
    /// Returns the numbers of requests so far.
    pub(super) fn traffic(&self) -> Traffic {
        self.client.traffic()
    }

    pub(super) fn new(client: OriginClient) -> Self {
        Self { client, last_failure: Mutex::default() }
    }

    /// Sends a request that needs the credential. A response has any status but 401.
    pub(super) async fn send(&self, context: &RequestContext, request: &Request) -> ConnectorResult<Response> {
        let response = self.send_plain(context, request).await?;
        let mut last_failure = self.last_failure.lock().unwrap_or_else(PoisonError::into_inner);
        if response.status() != StatusCode::UNAUTHORIZED {
            if !response.status().is_server_error() {
                *last_failure = None;
            }
            return Ok(response);
        }
        if last_failure.is_some_and(|failure| failure.elapsed() < START) {
            let why = "the file system has just started and does not accept credentials yet (401); it is tried again";
            return Err(ConnectorError::Retryable { after: Some(START_PAUSE), why: why.to_owned() });
        }
        let why = "the file system refuses the credential (401): check that its account exists and is enabled, and that \
                   its app token has not expired (one made with an expiry of `0s` is dead from the start)";
        Err(ConnectorError::Unauthorized { why: why.to_owned() })
    }

    /// Sends a request whose response says nothing about the credential.
    pub(super) async fn send_plain(&self, context: &RequestContext, request: &Request) -> ConnectorResult<Response> {
        let outcome = self.client.send(context, request).await;
        let failed = match &outcome {
            Ok(response) => matches!(response.status().as_u16(), 502..=504),
            Err(error) => is_absence(error),
        };
        if failed {
            *self.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        outcome.map_err(ConnectorError::from)
    }
}

/// Returns `true` for a failure that a system which is down or starting causes.
fn is_absence(error: &OutboundError) -> bool {
    use OutboundErrorKind::{Connect, Interrupted, Timeout};
    matches!(error.kind(), Connect | Interrupted | Timeout)
}

#[derive(Debug, Deserialize)]
struct Refusal {
    error: RefusalBody,
}

#[derive(Debug, Deserialize)]
struct RefusalBody {
    code: String,
}

/// Returns the code of a refusal. Not every refusal has one: some have no body, some are plain text.
pub(super) fn code(response: &Response) -> Option<String> {
    response.json::<Refusal>().ok().map(|refusal| refusal.error.code)
}

/// Returns `true` if the system itself says that something is absent or not allowed to be seen.
///
/// A proxy in front answers 404 too, when the system is not there.
pub(super) fn is_not_found(response: &Response) -> bool {
    response.status() == StatusCode::NOT_FOUND && code(response).as_deref() == Some("itemNotFound")
}

/// Makes an error of a response that is no success. `failure` says what did not happen, and what to do.
pub(super) fn refused(response: Response, failure: &str) -> ConnectorError {
    let status = response.status();
    match response.error_for_status() {
        Ok(_) => incompatible(format!("{failure}: the file system answers {status}, which this client does not know")),
        // The system says 404 in JSON; this came from something else.
        Err(error) if status == StatusCode::NOT_FOUND => {
            let why = format!(
                "{failure}: {}. Check the URL; if it is right, the file system was not reached and it is tried again",
                error.message()
            );
            ConnectorError::Retryable { after: error.retry_after(), why }
        }
        Err(error) => explained(ConnectorError::from(error), failure),
    }
}

/// Puts in front of an error what did not happen.
pub(super) fn explained(error: ConnectorError, failure: &str) -> ConnectorError {
    let text = |why: String| format!("{failure}: {why}");
    match error {
        ConnectorError::Unauthorized { why } => ConnectorError::Unauthorized { why: text(why) },
        ConnectorError::Conflict { existing, why } => ConnectorError::Conflict { existing, why: text(why) },
        ConnectorError::Retryable { after, why } => ConnectorError::Retryable { after, why: text(why) },
        ConnectorError::Rejected { why } => ConnectorError::Rejected { why: text(why) },
        ConnectorError::Incompatible { version, why } => ConnectorError::Incompatible { version, why: text(why) },
    }
}

/// Reads the JSON of a response with this status.
pub(super) fn read<T: DeserializeOwned>(response: Response, expected: StatusCode, failure: &str) -> ConnectorResult<T> {
    if response.status() != expected {
        return Err(refused(response, failure));
    }
    response.json().map_err(|error| explained(ConnectorError::from(error), failure))
}

/// Returns the value of a member that an answer must have.
pub(super) fn required<T>(value: Option<T>, member: &str) -> ConnectorResult<T> {
    value.ok_or_else(|| {
        incompatible(format!("an answer of the file system lacks `{member}`: this client does not know its version"))
    })
}

pub(super) fn incompatible(why: String) -> ConnectorError {
    ConnectorError::Incompatible { version: None, why }
}

pub(super) fn rejected(why: impl Into<String>) -> ConnectorError {
    ConnectorError::Rejected { why: why.into() }
}
