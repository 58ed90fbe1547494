//! How the development issuer answers when it is asked for its keys.

use serde_json::{Value, json};

/// What the JWKS endpoint does. Discovery always works, unless the issuer is out ([`Behaviour::Outage`]).
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub enum Behaviour {
    /// It publishes its keys.
    #[default]
    Normal,
    /// Every connection is closed at once, for discovery too.
    Outage,
    /// It answers this status with an empty body.
    Status(u16),
    /// It answers 200 with an HTML page.
    Html,
    /// It answers `{}`, as Authentik does without a signing key.
    NoKeys,
    /// It answers a set with no keys in it.
    EmptySet,
    /// It answers a set of keys of which none is usable.
    GarbageKeys,
    /// It answers 2 MiB.
    Oversized,
    /// It announces more than it sends.
    Truncated,
    /// It redirects to this URL.
    Redirect(String),
    /// It answers 200 with this body.
    Body(String),
    /// It publishes these keys instead of its own.
    Keys(Vec<Value>),
}

impl Behaviour {
    /// Status and body of the answer; `published` is the issuer's own set.
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
