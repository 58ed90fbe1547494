//! Claims of tokens to mint.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::clock::Timestamp;

/// Claims of an access token as Authentik writes them, freely modifiable.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Claims(Map<String, Value>);

impl Claims {
    pub(super) fn new(issuer: &str, audience: &str, subject: &str, now: Timestamp) -> Self {
        let issued_at = now.seconds();
        Self(Map::new())
            .with("iss", issuer)
            .with("aud", audience)
            .with("azp", audience)
            .with("sub", subject)
            .with("uid", format!("uid-{subject}"))
            .with("sid", format!("session-{subject}"))
            .with("iat", issued_at)
            .with("auth_time", issued_at)
            .with("exp", issued_at.saturating_add(300))
            .with("email", format!("{subject}@example.eu"))
            .with("email_verified", true)
            .with("name", subject)
            .with("groups", json!([]))
    }

    /// Sets a claim.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Removes a claim.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// Sets `groups`.
    #[must_use]
    pub fn groups<'group>(self, groups: impl IntoIterator<Item = &'group str>) -> Self {
        let groups: Vec<&str> = groups.into_iter().collect();
        self.with("groups", groups)
    }

    /// Sets `email` and `name`.
    #[must_use]
    pub fn person(self, email: &str, name: &str) -> Self {
        self.with("email", email).with("name", name)
    }

    /// Sets `iat`, `exp` at this distance, and `auth_time` to `iat` if it is present.
    #[must_use]
    pub fn lasting(self, issued_at: Timestamp, life: Duration) -> Self {
        let from = issued_at.seconds();
        let life = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
        let claims = if self.0.contains_key("auth_time") { self.with("auth_time", from) } else { self };
        claims.with("iat", from).with("exp", from.saturating_add(life))
    }

    /// Returns the claims as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        Value::Object(self.0.clone())
    }
}
