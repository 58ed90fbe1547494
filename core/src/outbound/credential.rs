//! Credentials for one origin.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;

use super::error::{OutboundError, OutboundErrorKind};

/// Shortest secret that is cut out of texts; a shorter one would match anything.
const SHORTEST_SECRET: usize = 6;

/// A credential for one origin. Never shown, not even in `Debug`.
#[derive(Clone)]
pub struct Credential {
    header: HeaderValue,
    secrets: Arc<[String]>,
}

impl Credential {
    /// Creates a bearer token (RFC 6750).
    ///
    /// # Errors
    /// Kind `InvalidRequest` when the token has characters that a header cannot carry.
    pub fn bearer(token: &str) -> Result<Self, OutboundError> {
        Self::new(&format!("Bearer {token}"), vec![token.to_owned()])
    }

    /// Creates a user name and a password (RFC 7617).
    ///
    /// # Errors
    /// Kind `InvalidRequest` when the user name has a colon, or either a control character.
    pub fn basic(user: &str, password: &str) -> Result<Self, OutboundError> {
        if user.contains(':') || user.chars().chain(password.chars()).any(char::is_control) {
            let message = "the user name of a credential has a colon, or it or the password a control character";
            return Err(OutboundError::new(OutboundErrorKind::InvalidRequest, message));
        }
        let encoded = STANDARD.encode(format!("{user}:{password}"));
        Self::new(&format!("Basic {encoded}"), vec![password.to_owned(), encoded])
    }

    fn new(header: &str, secrets: Vec<String>) -> Result<Self, OutboundError> {
        let mut header = HeaderValue::from_str(header).map_err(|_| {
            let message = "a credential has characters that a header cannot carry, such as a line break at its end";
            OutboundError::new(OutboundErrorKind::InvalidRequest, message)
        })?;
        header.set_sensitive(true);
        let secrets = secrets.into_iter().filter(|secret| secret.len() >= SHORTEST_SECRET).collect();
        Ok(Self { header, secrets })
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// Cuts the secrets out of a text that came from outside.
    pub(super) fn redact(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "…"))
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credential")
    }
}
