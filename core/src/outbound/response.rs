//! Responses to outbound requests.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use super::{
    credential::Credential,
    error::{OutboundError, OutboundErrorKind},
    retry::retry_after,
};
use crate::clock::Timestamp;

/// Length limit of excerpts, in characters.
const EXCERPT: usize = 200;

/// Number of bytes of a body from which an excerpt is taken.
const READ_FOR_EXCERPT: usize = 4096;

/// Length limit of a path into a JSON document, in characters.
const JSON_PATH: usize = 100;

/// A complete response of any status, redirects apart.
#[derive(Debug)]
pub struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Address without what may be secret.
    pub(super) shown: String,
    pub(super) received_at: Timestamp,
    pub(super) certificate: Option<Vec<u8>>,
    pub(super) credential: Option<Credential>,
}

impl Response {
    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the body, decompressed.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns the server's certificate in DER; `None` without TLS.
    #[must_use]
    pub fn certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }

    /// Returns the response if its status is one of success.
    ///
    /// # Errors
    /// Kind `BadStatus` with a short excerpt of the body.
    pub fn error_for_status(self) -> Result<Self, OutboundError> {
        if self.status.is_success() {
            return Ok(self);
        }
        let (shown, status) = (&self.shown, self.status.as_u16());
        let excerpt = self.excerpt();
        let message = if excerpt.is_empty() {
            format!("`{shown}` answers {status}")
        } else {
            format!("`{shown}` answers {status}: `{excerpt}`")
        };
        let wait = retry_after(&self.headers, self.received_at);
        Err(OutboundError::new(OutboundErrorKind::BadStatus, message).with_status(self.status, wait))
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// Kind `BadBody` with the place where the JSON differs from what was expected, and without its content.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, OutboundError> {
        let mut reader = serde_json::Deserializer::from_slice(&self.body);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path: String = error.path().to_string().chars().filter(|c| !c.is_control()).take(JSON_PATH).collect();
            let (line, column) = (error.inner().line(), error.inner().column());
            let what = match error.inner().classify() {
                serde_json::error::Category::Data => "JSON of an unexpected form",
                _ => "no JSON",
            };
            self.bad_body(&format!("{what} at `{path}` (line {line}, column {column})"))
        })?;
        reader.end().map_err(|_| self.bad_body("more than one JSON value"))?;
        Ok(value)
    }

    fn bad_body(&self, what: &str) -> OutboundError {
        OutboundError::new(OutboundErrorKind::BadBody, format!("`{}` answers {what}", self.shown))
    }

    /// Returns the beginning of the body in one line, without control characters and secrets.
    fn excerpt(&self) -> String {
        let start = self.body.get(..READ_FOR_EXCERPT).unwrap_or(&self.body);
        let text = String::from_utf8_lossy(start);
        let text = match &self.credential {
            Some(credential) => credential.redact(&text),
            None => text.into_owned(),
        };
        let words = text.split(|character: char| character.is_whitespace() || character.is_control());
        let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        line.chars().filter(|character| !is_format(*character) && *character != '`').take(EXCERPT).collect()
    }
}

/// Returns `true` for characters that change how a line is displayed (Unicode bidirectional controls and joiners).
fn is_format(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
