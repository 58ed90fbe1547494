//! What metrics, readiness and the doctor tell about an issuer's keys.

use std::time::Duration;

use serde::Serialize;

use crate::clock::Timestamp;

/// The state of one issuer's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyStatus {
    /// The stable `id` of the issuer.
    pub issuer_id: String,
    /// Usable keys that serve now; 0 when none is known or when the last set is more than 24 hours old.
    pub keys: usize,
    /// When the set that serves was fetched. None for keys that stand in the settings, and when there is no set.
    pub fetched_at: Option<Timestamp>,
    /// Age of that set.
    #[serde(skip)]
    pub age: Option<Duration>,
    /// Whether the set is older than its refresh interval: the provider is down, and the last set serves.
    pub stale: bool,
    /// When the last fetch ended, whether it counted or not.
    pub last_fetch: Option<Timestamp>,
    /// Why the last fetch did not count; none when it did.
    pub last_error: Option<String>,
    /// Fetches since the start.
    pub fetches: u64,
    /// Those of them that did not count.
    pub failures: u64,
    /// Keys of the last set that are not used, each with the reason.
    pub skipped_keys: Vec<String>,
}

impl KeyStatus {
    /// Whether tokens of this issuer can be verified now.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.keys > 0
    }
}
