//! The fetches of one issuer's keys: the one under way, how the last one went, and when the next may be.

use std::time::Duration;

use tokio::sync::watch;

use super::{FetchError, FetchErrorKind, KeySet, KeySetError, KeyStatus};
use crate::{authn::IssuerSettings, clock::Timestamp};

/// Why a fetch did not count, and what came with it.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: FetchError,
    /// How many keys came; none when nothing came, or nothing that can be counted.
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
    /// Whether the archive was read since the start.
    pub(super) archive_read: bool,
    /// When the last fetch for an unknown `kid` began.
    cooldown_since: Option<Timestamp>,
    /// Whether a fetch will be made at the end of the cooldown.
    scheduled: bool,
    last_end: Option<Timestamp>,
    last_error: Option<FetchError>,
    failures_in_a_row: u32,
    fetches: u64,
    failures: u64,
    /// How many keys the last answer held that could be read.
    published: Option<usize>,
    /// Those of them that are not used.
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

    /// Tells whether other keys are left out than by the answer before.
    pub(super) fn succeed(&mut self, now: Timestamp, set: &KeySet) -> bool {
        self.last_end = Some(now);
        self.last_error = None;
        self.failures_in_a_row = 0;
        self.note(set)
    }

    /// Notes what came. Tells whether other keys are left out than by the answer before.
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

    /// Why the last fetch did not count; none when it did.
    pub(super) fn last_error(&self) -> Option<FetchErrorKind> {
        self.last_error.as_ref().map(|error| error.kind)
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

/// What remains of a span that began then; none when it is over, or when the clock was set back before its beginning.
fn remaining(since: Timestamp, span: Duration, now: Timestamp) -> Option<Duration> {
    let passed = u64::try_from(now.milliseconds().saturating_sub(since.milliseconds())).ok()?;
    span.checked_sub(Duration::from_millis(passed)).filter(|left| !left.is_zero())
}
