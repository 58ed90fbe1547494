//! Answers of the REST interface: failures come with status 200.

use http::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::super::reading::{incompatible, quote, read};
use crate::{
    connectors::{ConnectorError, ConnectorResult},
    context::RequestContext,
    outbound::{OriginClient, Request},
};

/// A failure that the interface tells.
///
/// `value` is left out: for a key that exists already it is the private key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Failure {
    pub(super) error: String,
    #[serde(default)]
    field: Option<String>,
    #[serde(default)]
    details: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

impl Failure {
    pub(super) fn is(&self, error: &str) -> bool {
        self.error == error
    }

    /// Returns the error. `what` names the object for an operator, such as "the domain `acme.eu`".
    pub(super) fn into_error(self, what: &str) -> ConnectorError {
        match self.error.as_str() {
            "notFound" => super::gone(what),
            "fieldAlreadyExists" => ConnectorError::Conflict {
                existing: None,
                why: format!("Stalwart has the name or an address of {what} already"),
            },
            "fieldMissing" => {
                let field = quote(self.field.as_deref().unwrap_or_default());
                incompatible(&format!("it asks for the field `{field}` of {what}"))
            }
            "assertFailed" => ConnectorError::Retryable {
                after: None,
                why: format!("another change of {what} in Stalwart came first; try again"),
            },
            "unsupported" | "other" => {
                let texts: Vec<String> =
                    [self.details, self.reason].into_iter().flatten().map(|text| quote(&text)).collect();
                ConnectorError::Rejected { why: format!("Stalwart refuses {what}: `{}`", texts.join(": ")) }
            }
            other => incompatible(&format!("it fails with `{}`", quote(other))),
        }
    }
}

/// Sends a request and reads `data`, or the failure.
///
/// # Errors
/// `Incompatible` when there is neither, or no such interface any more.
pub(super) async fn ask<T: DeserializeOwned>(
    client: &OriginClient,
    context: &RequestContext,
    of: &'static str,
    request: &Request,
) -> ConnectorResult<Result<T, Failure>> {
    let response = client.send(context, request).await?;
    match response.status() {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            return Err(incompatible(&format!("`{of}` is not there")));
        }
        StatusCode::BAD_REQUEST => {
            let problem: Problem = response.json().unwrap_or_default();
            return Err(incompatible(&format!("`{of}` refuses a request: `{}`", quote(&problem.detail))));
        }
        _ => {}
    }
    let answer: Value = response.error_for_status()?.json()?;
    if answer.get("error").is_some() {
        return read(of, answer).map(Err);
    }
    match answer {
        Value::Object(mut answer) if answer.contains_key("data") => {
            read(of, answer.remove("data").unwrap_or_default()).map(Ok)
        }
        _ => Err(incompatible(&format!("`{of}` answers without `data`"))),
    }
}

#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default)]
    detail: String,
}
