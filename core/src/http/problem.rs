//! Problem details (RFC 9457).

use std::time::Duration;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{refused::Refused, request::current_request_id};
use crate::{
    error::{Code, Error, ErrorKind, FieldError},
    service::Performed,
};

/// The media type of problem documents.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Returns the error of a request whose answer took too long.
///
/// It is a fault of the server, not of the client.
#[must_use]
pub fn too_slow() -> Error {
    let message = "the request took longer than it may: try again";
    Error::new(Code::SERVER_TIMEOUT, message).with_retry_after(Duration::from_secs(1))
}

/// Returns the HTTP status of a kind of error.
#[must_use]
pub fn status(kind: ErrorKind) -> StatusCode {
    StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A problem document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Problem {
    /// Always `about:blank`; `code` identifies the problem.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// The HTTP status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable code for programs.
    pub code: String,
    /// Advice on what to change, for a person.
    pub detail: String,
    /// The server's id of the request, also found in logs and audit events.
    pub request_id: String,
    /// The invalid fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemField>,
}

/// An invalid field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[non_exhaustive]
pub struct ProblemField {
    /// Path of the field: `billingInfo.email`, `domains[2]`.
    pub field: String,
    /// The stable code.
    pub code: String,
    /// Advice on what to change.
    pub message: String,
}

impl From<&FieldError> for ProblemField {
    fn from(error: &FieldError) -> Self {
        Self { field: error.field.clone(), code: error.code.name().to_owned(), message: error.message.clone() }
    }
}

impl Problem {
    /// Creates the document for an error, without internal details.
    #[must_use]
    pub fn new(error: &Error, request_id: String) -> Self {
        let status = status(error.kind());
        let internal = status == StatusCode::INTERNAL_SERVER_ERROR;
        Self {
            problem_type: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            code: if internal { Code::INTERNAL.name() } else { error.code() }.to_owned(),
            detail: if internal {
                "something went wrong inside: tell the operator the request id".to_owned()
            } else {
                error.message().to_owned()
            },
            request_id,
            errors: error.fields().iter().map(ProblemField::from).collect(),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Some(performed) = Performed::of(&self) {
            return answer_of(performed).unwrap_or_else(IntoResponse::into_response);
        }
        let status = status(self.kind());
        // The edge counts what it sheds: under overload a log line for each would be too much work.
        if self.is(Code::OVERLOADED) {
            tracing::debug!(request_id = current_request_id(), "request shed");
        } else if status.is_server_error() {
            tracing::error!(request_id = current_request_id(), code = self.code(), error = ?self, "request failed");
        }
        let problem = Problem::new(&self, current_request_id());
        let json = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = Response::new(Body::from(json));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.retry_after() {
            let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, challenge(&self));
        }
        if let Some(refused) = Refused::by(&self) {
            response.extensions_mut().insert(refused);
        }
        response
    }
}

/// Builds the answer of a request that was carried out elsewhere.
fn answer_of(performed: &Performed) -> Result<Response, Error> {
    let broken = |error: http::Error| Error::internal("an answer that was passed on is broken").with_source(error);
    let mut response = Response::new(Body::from(performed.body.clone()));
    *response.status_mut() = StatusCode::from_u16(performed.status).map_err(|error| broken(error.into()))?;
    for (name, value) in &performed.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| broken(error.into()))?;
        let value = HeaderValue::from_bytes(value).map_err(|error| broken(error.into()))?;
        response.headers_mut().append(name, value);
    }
    Ok(response)
}

/// Returns the challenge of RFC 6750 §3, without an error code if no token was sent.
fn challenge(error: &Error) -> HeaderValue {
    HeaderValue::from_static(if error.is(Code::TOKEN_MISSING) {
        "Bearer realm=\"dezky\""
    } else {
        "Bearer realm=\"dezky\", error=\"invalid_token\""
    })
}
