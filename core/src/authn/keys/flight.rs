//! Fetch state of one issuer's keys: the fetch in flight, the last outcome and the next allowed time.

use std::time::Duration;

use tokio::sync::watch;

use super::{FetchError, FetchErrorKind, KeySet, KeySetError, KeyStatus};
use crate::{authn::IssuerSettings, clock::Timestamp};

/// Failure of a fetch with what was received.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: FetchError,
    /// Number of keys received; `None` when the response had no countable keys.
    published: Option<usize>,
    skipped: Vec<String>,
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Self { error, published: None, skipped: Vec::new() }
    }
}

impl From<KeySetError> for Failure {
    fn from(error: KeySetError) -> Self {
        let (published, skipped) = error.left_out();
        let skipped = skipped.to_vec();
        Self { error: FetchError::new(FetchErrorKind::Misconfigured, error.to_string()), published, skipped }
    }
}

/// State of the fetches of one issuer's keys.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    running: Option<watch::Receiver<bool>>,
    /// Flag: the archive was read since the start.
    pub(super) archive_read: bool,
    /// Start of the last fetch for an unknown `kid`.
    cooldown_since: Option<Timestamp>,
    /// Flag: a fetch is scheduled for the end of the cooldown.
    scheduled: bool,
    last_end: Option<Timestamp>,
    last_error: Option<FetchError>,
    failures_in_a_row: u32,
    fetches: u64,
    failures: u64,
    /// Number of readable keys in the last response.
    published: Option<usize>,
    /// Skipped keys among them.
    skipped: Vec<String>,
}

impl Flight {
    /// Returns the fetch in flight, if its task is alive.
    pub(super) fn running(&self) -> Option<watch::Receiver<bool>> {
        self.running.as_ref().filter(|running| running.has_changed().is_ok()).cloned()
    }

    pub(super) fn take_off(&mut self, landed: watch::Receiver<bool>) {
        self.running = Some(landed);
        self.fetches = self.fetches.saturating_add(1);
    }

    pub(super) fn land(&mut self) {
        self.running = None;
    }

    /// Returns whether the skipped keys differ from those of the previous response.
    pub(super) fn succeed(&mut self, now: Timestamp, set: &KeySet) -> bool {
        self.last_end = Some(now);
        self.last_error = None;
        self.failures_in_a_row = 0;
        self.note(set)
    }

    /// Records a response. Returns whether the skipped keys differ from those of the previous one.
    pub(super) fn note(&mut self, set: &KeySet) -> bool {
        self.published = Some(set.published());
        let news = self.skipped != set.skipped();
        self.skipped = set.skipped().to_vec();
        news
    }

    pub(super) fn fail(&mut self, now: Timestamp, failure: Failure) {
        self.last_end = Some(now);
        self.last_error = Some(failure.error);
        if failure.published.is_some() {
            self.published = failure.published;
            self.skipped = failure.skipped;
        }
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        self.failures = self.failures.saturating_add(1);
    }

    /// Returns the last failure; `None` when the last fetch succeeded.
    pub(super) fn last_error(&self) -> Option<FetchErrorKind> {
        self.last_error.as_ref().map(|error| error.kind)
    }

    pub(super) fn failures_in_a_row(&self) -> u32 {
        self.failures_in_a_row
    }

    /// Returns whether the last fetch failed at or after this time.
    pub(super) fn failed_since(&self, time: Timestamp) -> bool {
        self.last_error.is_some() && self.last_end.is_some_and(|end| end >= time)
    }

    /// Returns the time until a retry is allowed, given the interval; `None` when it is allowed now.
    pub(super) fn retry_wait(&self, now: Timestamp, between: Duration) -> Option<Duration> {
        self.last_error.as_ref()?;
        remaining(self.last_end?, between, now)
    }

    /// Returns the remaining cooldown.
    pub(super) fn cooldown(&self, now: Timestamp, cooldown: Duration) -> Option<Duration> {
        remaining(self.cooldown_since?, cooldown, now)
    }

    pub(super) fn cool_down(&mut self, now: Timestamp) {
        self.cooldown_since = Some(now);
    }

    /// Claims the right to schedule the fetch at the end of the cooldown.
    pub(super) fn schedule(&mut self) -> bool {
        !std::mem::replace(&mut self.scheduled, true)
    }

    pub(super) fn scheduled_came(&mut self) {
        self.scheduled = false;
    }

    pub(super) fn status(&self, issuer: &IssuerSettings) -> KeyStatus {
        KeyStatus {
            issuer_id: issuer.id.clone(),
            tenant: issuer.tenant.clone(),
            keys: 0,
            fetched_at: None,
            age: None,
            stale: false,
            last_fetch: self.last_end,
            last_error: self.last_error.as_ref().map(|error| error.message.to_string()),
            fetches: self.fetches,
            failures: self.failures,
            published_keys: self.published,
            skipped_keys: self.skipped.clone(),
        }
    }
}

/// Returns the rest of a time span; `None` when it is over or the clock was set back before its start.
fn remaining(since: Timestamp, span: Duration, now: Timestamp) -> Option<Duration> {
    let passed = u64::try_from(now.milliseconds().saturating_sub(since.milliseconds())).ok()?;
    span.checked_sub(Duration::from_millis(passed)).filter(|left| !left.is_zero())
}
