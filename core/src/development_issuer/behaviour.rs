//! Responses of the development issuer to key requests.

use serde_json::{Value, json};

/// Behaviour of the JWKS endpoint. Discovery always works, except during an [`Behaviour::Outage`].
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub enum Behaviour {
    /// Publishes its keys.
    #[default]
    Normal,
    /// Closes every connection at once, for discovery too.
    Outage,
    /// Responds with this status and an empty body.
    Status(u16),
    /// Responds 200 with an HTML page.
    Html,
    /// Responds `{}`, as Authentik does without a signing key.
    NoKeys,
    /// Responds with an empty key set.
    EmptySet,
    /// Responds with a key set without usable keys.
    GarbageKeys,
    /// Responds with 2 MiB.
    Oversized,
    /// Announces more bytes than it sends.
    Truncated,
    /// Redirects to this URL.
    Redirect(String),
    /// Responds 200 with this body.
    Body(String),
    /// Publishes these keys instead of its own.
    Keys(Vec<Value>),
}

impl Behaviour {
    /// Returns status and body of the response; `published` is the issuer's own set.
    pub(super) fn answer(&self, published: impl FnOnce() -> Value) -> (u16, &'static str, String) {
        let json_answer = |body: Value| (200, "application/json", body.to_string());
        match self {
            Self::Normal | Self::Outage | Self::Truncated => json_answer(published()),
            Self::Status(status) => (*status, "text/plain", String::new()),
            Self::Html => (200, "text/html", "<!doctype html><title>maintenance</title>".to_owned()),
            Self::NoKeys => json_answer(json!({})),
            Self::EmptySet => json_answer(json!({ "keys": [] })),
            Self::GarbageKeys => json_answer(json!({ "keys": [
                { "kty": "RSA", "kid": "garbage", "n": "AQAB", "e": "AQAB" },
                { "kty": "oct", "kid": "symmetric", "k": "c2VjcmV0" },
                { "kty": "EC", "crv": "P-256", "x": "!", "y": "!" },
                "no key at all",
            ] })),
            Self::Oversized => {
                let (status, kind, mut body) = json_answer(published());
                body.push_str(&" ".repeat(2 * 1024 * 1024));
                (status, kind, body)
            }
            Self::Redirect(_) => (302, "text/plain", String::new()),
            Self::Body(body) => (200, "application/json", body.clone()),
            Self::Keys(keys) => json_answer(json!({ "keys": keys })),
        }
    }
}
