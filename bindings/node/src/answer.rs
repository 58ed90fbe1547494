//! Answers for JavaScript.

use dezky::{Error, Result};
use napi_derive::napi;

/// An answer of the router.
#[napi(object)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Lines of alternating names and values.
    pub headers: String,
    /// The body, which is always text.
    pub body: String,
}

impl Answer {
    /// Converts the answer.
    ///
    /// # Errors
    /// When the body is not text, which never happens for the router.
    pub(crate) fn of(answer: dezky_embedded::Answer) -> Result<Self> {
        let body = String::from_utf8(answer.body.into()).map_err(|error| Error::internal(error.to_string()))?;
        let mut headers = String::with_capacity(256);
        for (name, value) in &answer.headers {
            if !headers.is_empty() {
                headers.push('\n');
            }
            headers.push_str(name.as_str());
            headers.push('\n');
            headers.extend(value.as_bytes().iter().map(|byte| char::from(*byte)));
        }
        Ok(Self { status: answer.status.as_u16(), headers, body })
    }
}
