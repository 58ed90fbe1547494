//! Answers in the forms of the real system: JSON, plain text, nothing at all, and refusals.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::clock::Timestamp;

/// A complete answer.
pub(super) type Answer = Response<Bytes>;

/// Result of a handler.
pub(super) type Handled = Result<Answer, Refusal>;

/// A refusal in the form of libre-graph.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// A request that is wrong in itself.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalidRequest", message)
    }

    /// An object that is absent, or that the caller may not see.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "itemNotFound", message)
    }

    /// An action that the caller's role in a space or in the directory does not allow.
    pub(super) fn denied(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "accessDenied", message)
    }

    /// An action that the caller's role in the whole system does not allow.
    pub(super) fn not_allowed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "notAllowed", message)
    }

    /// A name in use.
    pub(super) fn exists(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "nameAlreadyExists", message)
    }

    /// An error of the server.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "generalException", message)
    }

    /// The state holds no more objects.
    pub(super) fn full() -> Self {
        Self::failed("the emulator holds no more objects")
    }

    pub(super) fn render(&self, now: Timestamp, number: u64) -> Answer {
        let inner = json!({ "date": now.to_string(), "request-id": format!("emulator/{number:06}") });
        let error = json!({ "code": self.code, "innererror": inner, "message": self.message });
        json_answer(self.status, &json!({ "error": error }))
    }
}

/// Creates an answer of JSON.
pub(super) fn json_answer(status: StatusCode, value: &Value) -> Answer {
    with_type(status, value.to_string(), "application/json")
}

/// Creates an answer of JSON that is written already.
pub(super) fn json_text(status: StatusCode, text: String) -> Answer {
    with_type(status, text, "application/json")
}

/// Creates an answer of JSON that calls itself plain text, as those about app tokens do.
pub(super) fn json_as_text(status: StatusCode, value: &Value) -> Answer {
    with_type(status, value.to_string(), "text/plain; charset=utf-8")
}

/// Creates an answer of plain text.
pub(super) fn text(status: StatusCode, text: &str) -> Answer {
    with_type(status, text.to_owned(), "text/plain; charset=utf-8")
}

/// Creates an answer without a body.
pub(super) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer
}

/// Creates the answer to a missing or wrong credential.
pub(super) fn unauthenticated() -> Answer {
    let mut answer = empty(StatusCode::UNAUTHORIZED);
    let challenge =
        "Bearer realm=\"localhost:9200\", charset=\"UTF-8\", Basic realm=\"localhost:9200\", charset=\"UTF-8\"";
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    answer
}

/// Creates the answer to an unknown path.
pub(super) fn unknown_path() -> Answer {
    text(StatusCode::NOT_FOUND, "404 page not found\n")
}

fn with_type(status: StatusCode, body: String, media_type: &'static str) -> Answer {
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}
