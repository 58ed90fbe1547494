//! The fetches of one issuer's keys: the one under way, how the last one went, and when the next may be.

use std::time::Duration;

use tokio::sync::watch;

use super::KeyStatus;
use crate::clock::Timestamp;

/// State of the fetches of one issuer's keys.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    running: Option<watch::Receiver<bool>>,
    /// Whether the archive was read since the start.
    pub(super) archive_read: bool,
    /// When the last fetch for an unknown `kid` began.
    cooldown_since: Option<Timestamp>,
    /// Whether a fetch will be made at the end of the cooldown.
    scheduled: bool,
    last_end: Option<Timestamp>,
    last_error: Option<String>,
    failures_in_a_row: u32,
    fetches: u64,
    failures: u64,
    skipped: Vec<String>,
}

impl Flight {
    /// The fetch under way, if there is one whose task lives.
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

    pub(super) fn succeed(&mut self, now: Timestamp, skipped: Vec<String>) {
        self.last_end = Some(now);
        self.last_error = None;
        self.failures_in_a_row = 0;
        self.skipped = skipped;
    }

    pub(super) fn fail(&mut self, now: Timestamp, message: String) {
        self.last_end = Some(now);
        self.last_error = Some(message);
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        self.failures = self.failures.saturating_add(1);
    }

    pub(super) fn failures_in_a_row(&self) -> u32 {
        self.failures_in_a_row
    }

    /// Whether the last fetch failed, and ended at this time or later.
    pub(super) fn failed_since(&self, time: Timestamp) -> bool {
        self.last_error.is_some() && self.last_end.is_some_and(|end| end >= time)
    }

    /// How long until a fetch may be tried again after a failure, with this time between attempts; none when it may now.
    pub(super) fn retry_wait(&self, now: Timestamp, between: Duration) -> Option<Duration> {
        self.last_error.as_ref()?;
        remaining(self.last_end?, between, now)
    }

    /// How long the cooldown still lasts.
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

    pub(super) fn status(&self, issuer_id: &str) -> KeyStatus {
        KeyStatus {
            issuer_id: issuer_id.to_owned(),
            keys: 0,
            fetched_at: None,
            age: None,
            stale: false,
            last_fetch: self.last_end,
            last_error: self.last_error.clone(),
            fetches: self.fetches,
            failures: self.failures,
            skipped_keys: self.skipped.clone(),
        }
    }
}

/// What remains of a span that began then; none when it is over, or when the clock was set back before its beginning.
fn remaining(since: Timestamp, span: Duration, now: Timestamp) -> Option<Duration> {
    let passed = u64::try_from(now.milliseconds().saturating_sub(since.milliseconds())).ok()?;
    span.checked_sub(Duration::from_millis(passed)).filter(|left| !left.is_zero())
}
