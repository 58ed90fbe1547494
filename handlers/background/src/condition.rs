//! Retried work.

use std::time::Duration;

use dezky::Error;

/// Health of some repeated work. Only changes are logged, not each attempt.
#[derive(Debug)]
pub(crate) struct Condition {
    work: &'static str,
    failures: u32,
}

impl Condition {
    const FIRST_PAUSE: Duration = Duration::from_millis(200);
    const LONGEST_PAUSE: Duration = Duration::from_secs(15);

    pub(crate) fn new(work: &'static str) -> Self {
        Self { work, failures: 0 }
    }

    pub(crate) fn succeeded(&mut self) {
        if self.failures > 0 {
            tracing::info!(work = self.work, failures = self.failures, "it succeeds again");
        }
        self.failures = 0;
    }

    /// Returns the delay before the next attempt, doubling up to 15 s.
    pub(crate) fn failed(&mut self, error: &Error) -> Duration {
        if self.failures == 0 {
            tracing::warn!(work = self.work, error = explain(error), "it fails and is tried again");
        }
        let pause = Self::FIRST_PAUSE.saturating_mul(1_u32.checked_shl(self.failures.min(16)).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        pause.min(Self::LONGEST_PAUSE)
    }
}

/// Formats the error with its cause, which the public message may hide.
pub(crate) fn explain(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
