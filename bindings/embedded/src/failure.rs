//! Errors as JSON, from which the other language creates its own.

use dezky::{
    Code, Error, ErrorKind,
    http::problem::{Problem, ProblemField, status},
};
use serde::Serialize;

/// The JSON that the other language creates an error from.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'error> {
    kind: &'static str,
    code: &'error str,
    status: u16,
    message: &'error str,
    retryable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    fields: Vec<ProblemField>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'error str>,
}

/// Returns an error as JSON. Internal details are omitted and logged.
#[must_use]
pub fn json(error: &Error, request_id: Option<&str>) -> String {
    let problem = Problem::new(error, request_id.unwrap_or_default().to_owned());
    if error.kind() == ErrorKind::Internal {
        tracing::error!(request_id, ?error, "a call failed");
    }
    // An invalid setting is this program's own, so the message is included.
    let settings = error.kind() == ErrorKind::Configuration;
    let payload = Payload {
        kind: error.kind().name(),
        code: if settings { error.code() } else { &problem.code },
        status: status(error.kind()).as_u16(),
        message: if settings { error.message() } else { &problem.detail },
        retryable: error.retryable(),
        retry_after: error.retry_after().map(|wait| wait.as_secs().max(1)),
        fields: problem.errors,
        request_id,
    };
    serde_json::to_string(&payload).unwrap_or_default()
}

/// Returns the error of every call after `close`.
#[must_use]
pub fn closed() -> Error {
    Error::new(Code::CLOSED, "this was closed: open it again")
}
