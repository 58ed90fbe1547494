//! Answers of the API: what each status means, and objects read strictly.

use http::StatusCode;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use super::Authentik;
use crate::{
    connectors::{ConnectorError, ConnectorResult},
    context::RequestContext,
    outbound::{Request, Response},
};

/// Detail of the answer to an unknown or expired token, which has the status of a missing right.
const INVALID_TOKEN: &str = "Token invalid/expired";

/// Answer to a request that was allowed.
pub(super) enum Reply {
    /// Done, or the object asked for.
    Done(Response),
    /// No object of this id, or none that the credential sees.
    Absent,
    /// A request that the system does not accept as it is.
    Invalid(Invalid),
}

impl Reply {
    /// Returns the response; a refused request is an error.
    pub(super) fn found(self, what: &str) -> ConnectorResult<Option<Response>> {
        match self {
            Self::Done(response) => Ok(Some(response)),
            Self::Absent => Ok(None),
            Self::Invalid(invalid) => Err(invalid.rejected(what)),
        }
    }
}

/// Refusal of a request as it is (status 400).
#[derive(Debug)]
pub(super) struct Invalid {
    /// Fields of the request that are a reason.
    fields: Vec<String>,
    /// Text without secrets.
    why: String,
}

impl Invalid {
    fn of(response: Response) -> Self {
        let fields = match serde_json::from_slice(response.body()) {
            Ok(Value::Object(fields)) => fields.into_iter().map(|(field, _)| field).collect(),
            _ => Vec::new(),
        };
        Self { fields, why: refused(response).to_string() }
    }

    /// Returns `true` if a field of the request is a reason.
    pub(super) fn names(&self, field: &str) -> bool {
        self.fields.iter().any(|name| name == field)
    }

    /// Converts to the error of an operation, told as a clause such as `create a group`.
    pub(super) fn rejected(&self, what: &str) -> ConnectorError {
        ConnectorError::Rejected { why: format!("Authentik refuses to {what}: {}", self.why) }
    }
}

impl Authentik {
    /// Sends a request that is told as a clause such as `read a group`.
    pub(super) async fn send(&self, context: &RequestContext, what: &str, request: &Request) -> ConnectorResult<Reply> {
        let response = self.client.send(context, request).await?;
        match response.status() {
            status if status.is_success() => Ok(Reply::Done(response)),
            StatusCode::NOT_FOUND => absent(&response, what).map(|()| Reply::Absent),
            StatusCode::BAD_REQUEST => Ok(Reply::Invalid(Invalid::of(response))),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let why = if detail(&response).as_deref() == Some(INVALID_TOKEN) {
                    "Authentik does not accept the token: it is unknown or has expired. Create a token with the intent \
                     `API` for the service account and put it into the settings"
                        .to_owned()
                } else {
                    format!(
                        "the credential may not {what} in Authentik: give the role of its service account this right \
                         ({})",
                        refused(response)
                    )
                };
                Err(ConnectorError::Unauthorized { why })
            }
            _ => Err(refused(response)),
        }
    }

    /// Sends a request for one object.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        context: &RequestContext,
        what: &'static str,
        request: &Request,
    ) -> ConnectorResult<Option<T>> {
        match self.send(context, &format!("read {what}"), request).await?.found(&format!("read {what}"))? {
            Some(response) => object(response.body(), what).map(Some),
            None => Ok(None),
        }
    }
}

/// Converts a status of failure.
fn refused(response: Response) -> ConnectorError {
    match response.error_for_status() {
        Err(error) => error.into(),
        Ok(_) => ConnectorError::Incompatible {
            version: None,
            why: "Authentik answers with a status that this client does not know".to_owned(),
        },
    }
}

/// Checks that a 404 is Authentik's own. A proxy answers 404 as well, and then nothing is known about the object.
fn absent(response: &Response, what: &str) -> ConnectorResult<()> {
    if detail(response).is_some() {
        return Ok(());
    }
    let media_type = response.headers().get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    // Traefik's answer while no container of Authentik is healthy.
    if media_type.is_some_and(|media_type| media_type.starts_with("text/plain")) {
        let why =
            format!("the proxy in front of Authentik knows no such address, so it cannot {what}: is Authentik up?");
        return Err(ConnectorError::Retryable { after: None, why });
    }
    let why = format!(
        "Authentik answers 404 without its usual text, so it cannot {what}: check that the URL of the settings is \
         Authentik's, without `/api/v3`, and that its version is one of {}",
        super::release::SUPPORTED
    );
    Err(ConnectorError::Incompatible { version: None, why })
}

/// Returns the text of an error of the API.
fn detail(response: &Response) -> Option<String> {
    let body: Value = serde_json::from_slice(response.body()).ok()?;
    body.get("detail")?.as_str().map(str::to_owned)
}

/// Checks that a change without a result is confirmed. The sign-in page of a proxy is a success too, but changes nothing.
pub(super) fn confirmed(response: &Response, what: &str) -> ConnectorResult<()> {
    match response.status() {
        StatusCode::NO_CONTENT => Ok(()),
        status => Err(ConnectorError::Incompatible {
            version: None,
            why: format!("the answer to the request to {what} is {status} and not Authentik's: is a proxy in between?"),
        }),
    }
}

/// Creates the error for a field that a change does not reach, as when an update renamed it: unknown fields are ignored.
pub(super) fn ignored(field: &str, what: &str) -> ConnectorError {
    let supported = super::release::SUPPORTED;
    let why = format!("Authentik ignores `{field}` when asked to {what}: check that its version is one of {supported}");
    ConnectorError::Incompatible { version: None, why }
}

/// Reads an object.
pub(super) fn object<T: DeserializeOwned>(body: &[u8], what: &str) -> ConnectorResult<T> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| incompatible(&error, what))
}

/// Reads an object of a list.
pub(super) fn entry<T: DeserializeOwned>(value: &Value, what: &str) -> ConnectorResult<T> {
    serde_path_to_error::deserialize(value).map_err(|error| incompatible(&error, what))
}

/// Reads a field that is always there and may be null. Without this, a missing one would read as null.
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}

/// Returns the entries of a list whose field is the one that is looked for.
///
/// # Errors
/// `Incompatible` when there is none, and an entry without the field may be the one.
pub(super) fn matching<'a>(
    entries: &'a [Value],
    field: &str,
    what: &str,
    is: impl Fn(&Value) -> bool,
) -> ConnectorResult<Vec<&'a Value>> {
    let found: Vec<&Value> = entries.iter().filter(|entry| entry.get(field).is_some_and(&is)).collect();
    if found.is_empty() && entries.iter().any(|entry| entry.get(field).is_none()) {
        return Err(different(what, &format!("has no field `{field}`")));
    }
    Ok(found)
}

/// Tells which field is not as it was. Values are left out, because they may be personal or secret.
fn incompatible(error: &serde_path_to_error::Error<serde_json::Error>, what: &str) -> ConnectorError {
    let cause = error.inner().to_string();
    // The name is one of this client's own.
    let missing = cause.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let path: String = error.path().to_string().chars().filter(|c| !c.is_control()).take(100).collect();
    let difference = match missing {
        Some(field) if path == "." => format!("has no field `{field}`"),
        Some(field) => format!("has no field `{field}` at `{path}`"),
        None if error.inner().is_data() => format!("has another type of `{path}` than expected"),
        None => "is no JSON".to_owned(),
    };
    different(what, &difference)
}

fn different(what: &str, how: &str) -> ConnectorError {
    let supported = super::release::SUPPORTED;
    let why = format!("Authentik's answer about {what} {how}: check that its version is one of {supported}");
    ConnectorError::Incompatible { version: None, why }
}
