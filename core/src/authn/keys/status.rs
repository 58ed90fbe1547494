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
    /// Slug of the tenant to which the issuer is bound, if it is: what is wrong with it concerns nobody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
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
    /// Keys that came with the last answer that was a key set, usable or not; none when there was none yet.
    pub published_keys: Option<usize>,
    /// Those of them that are not used, each with the reason.
    pub skipped_keys: Vec<String>,
}

impl KeyStatus {
    /// Whether tokens of this issuer can be verified now.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.keys > 0
    }
}
