//! Bodies: JSON objects and forms of at most 1 MiB.

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest, Request},
};
use bytes::Bytes;
use http::{HeaderMap, header};
use serde_json::Value;

use super::MAXIMUM_BODY;
use crate::{
    domain::input::read_json,
    error::{Code, Error, Result},
    service::Call,
};

/// A body of JSON.
pub(super) struct JsonBody {
    bytes: Bytes,
}

fn too_large() -> Error {
    Error::new(Code::BODY_TOO_LARGE, "the body is larger than 1 MiB: send less at once")
}

async fn read(body: Body, headers: &HeaderMap) -> Result<Bytes> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAXIMUM_BODY) {
        return Err(too_large());
    }
    to_bytes(body, MAXIMUM_BODY).await.map_err(|error| {
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(source) = cause {
            if source.to_string().contains("length limit exceeded") {
                return too_large();
            }
            cause = source.source();
        }
        Error::new(Code::BODY_INCOMPLETE, "the body ended before it was complete").with_source(error)
    })
}

fn check_media_type(headers: &HeaderMap) -> Result<()> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    let message = "send `Content-Type: application/json` (or `application/merge-patch+json`)";
    Err(Error::new(Code::UNSUPPORTED_MEDIA_TYPE, message))
}

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, &parts.headers).await?;
        if !bytes.is_empty() {
            check_media_type(&parts.headers)?;
        }
        Ok(Self { bytes })
    }
}

/// A body byte for byte, of any media type.
pub(super) struct RawBody(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let (parts, body) = request.into_parts();
        read(body, &parts.headers).await.map(Self)
    }
}

/// A form-encoded body (<https://url.spec.whatwg.org/#application/x-www-form-urlencoded>).
pub(super) struct FormBody {
    bytes: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for FormBody {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, &parts.headers).await?;
        let media_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !bytes.is_empty() && !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let message = "send `Content-Type: application/x-www-form-urlencoded`";
            return Err(Error::new(Code::UNSUPPORTED_MEDIA_TYPE, message));
        }
        Ok(Self { bytes })
    }
}

impl FormBody {
    /// Returns the value of a parameter that may occur once; `None` if it is missing or empty.
    pub(super) fn only(&self, name: &str) -> Result<Option<String>> {
        let mut values = url::form_urlencoded::parse(&self.bytes).filter(|(parameter, _)| parameter == name);
        let value = values.next().map(|(_, value)| value.into_owned());
        if values.next().is_some() {
            return Err(Error::new(Code::PARAMETER_REPEATED, "a parameter of the form stands twice: send it once"));
        }
        Ok(value.filter(|value| !value.is_empty()))
    }
}

impl JsonBody {
    /// Returns the required value, and adds the body to the call for its idempotency key.
    pub(super) fn value(self, call: &mut Call) -> Result<Value> {
        let value = self.parsed()?;
        self.remember(call);
        Ok(value)
    }

    /// Returns the required value of a request without an idempotency key.
    pub(super) fn of_nobody(self) -> Result<Value> {
        self.parsed()
    }

    fn parsed(&self) -> Result<Value> {
        if self.bytes.is_empty() {
            return Err(Error::new(Code::BODY_MISSING, "this request needs a JSON object as its body"));
        }
        read_json(&self.bytes)
    }

    /// Checks the body of a request that is complete without one: it must be empty or an empty object.
    pub(super) fn nothing(self, call: &mut Call) -> Result<()> {
        if !self.bytes.is_empty()
            && !matches!(serde_json::from_slice(&self.bytes), Ok(Value::Object(object)) if object.is_empty())
        {
            let message = "this request has no body: leave it out or send `{}`";
            return Err(Error::new(Code::BODY_UNEXPECTED, message));
        }
        self.remember(call);
        Ok(())
    }

    fn remember(self, call: &mut Call) {
        if let Some(request) = &mut call.idempotency {
            request.body = self.bytes.to_vec();
        }
    }
}
