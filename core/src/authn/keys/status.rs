//! State of an issuer's keys for metrics, readiness and `dezky doctor`.

use std::time::Duration;

use serde::Serialize;

use crate::clock::Timestamp;

/// State of one issuer's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyStatus {
    /// Stable `id` of the issuer.
    pub issuer_id: String,
    /// Slug of the tenant to which the issuer is bound. Its problems concern only that tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Usable keys in service; 0 when none is known or the last set is over 24 hours old.
    pub keys: usize,
    /// Fetch time of the set in service; `None` for inline keys and when there is no set.
    pub fetched_at: Option<Timestamp>,
    /// Age of that set.
    #[serde(skip)]
    pub age: Option<Duration>,
    /// Flag: the set is older than its refresh interval, so the provider is down and the last set serves.
    pub stale: bool,
    /// End of the last fetch, successful or not.
    pub last_fetch: Option<Timestamp>,
    /// Failure of the last fetch; `None` when it succeeded.
    pub last_error: Option<String>,
    /// Number of fetches since the start.
    pub fetches: u64,
    /// Number of failed fetches among them.
    pub failures: u64,
    /// Number of keys in the last response that was a key set, usable or not; `None` before the first.
    pub published_keys: Option<usize>,
    /// Skipped keys among them, each with the reason.
    pub skipped_keys: Vec<String>,
}

impl KeyStatus {
    /// Returns whether tokens of this issuer can be verified now.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.keys > 0
    }
}
