//! Answers for JavaScript.

use axum::{body::Body, response::Response};
use dezky::{Error, Result};
use http_body_util::BodyExt as _;
use napi_derive::napi;

/// An answer of the router.
#[napi(object)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Lines: a name, a value, and so on.
    pub headers: String,
    /// The body, which is text always.
    pub body: String,
}

impl Answer {
    /// Takes the answer in.
    ///
    /// # Errors
    /// When a body breaks off or is no text, which those of the router do not and are not.
    pub(crate) async fn of(response: Response<Body>) -> Result<Self> {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map_err(|error| Error::internal(error.to_string()))?.to_bytes();
        let body = String::from_utf8(bytes.into()).map_err(|error| Error::internal(error.to_string()))?;
        let mut headers = String::with_capacity(256);
        for (name, value) in &parts.headers {
            if !headers.is_empty() {
                headers.push('\n');
            }
            headers.push_str(name.as_str());
            headers.push('\n');
            headers.extend(value.as_bytes().iter().map(|byte| char::from(*byte)));
        }
        Ok(Self { status: parts.status.as_u16(), headers, body })
    }
}
