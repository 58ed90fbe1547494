//! Numbers of requests to one origin.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use http::StatusCode;

/// Numbers of requests to one origin so far, by outcome, and the time that they took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Traffic {
    /// Requests that succeeded, and those for something absent.
    pub answered: u64,
    /// Requests that the origin refused: every other status below 500.
    pub refused: u64,
    /// Requests that failed: status 500 and above, or no complete response.
    pub failed: u64,
    /// Time that all of them took together.
    pub took: Duration,
}

impl Traffic {
    /// Returns the numbers with the names of their outcomes, as in metrics.
    #[must_use]
    pub fn outcomes(&self) -> [(&'static str, u64); 3] {
        [("answered", self.answered), ("refused", self.refused), ("failed", self.failed)]
    }
}

/// Counters of [`Traffic`].
#[derive(Debug, Default)]
pub(super) struct TrafficCounters {
    answered: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    took_microseconds: AtomicU64,
}

impl TrafficCounters {
    /// Counts a request with its status, or without a response.
    pub(super) fn count(&self, status: Option<StatusCode>, took: Duration) {
        let counter = match status {
            Some(status) if status.is_success() || status == StatusCode::NOT_FOUND => &self.answered,
            Some(status) if !status.is_server_error() => &self.refused,
            _ => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.took_microseconds.fetch_add(took, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> Traffic {
        Traffic {
            answered: self.answered.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            took: Duration::from_micros(self.took_microseconds.load(Ordering::Relaxed)),
        }
    }
}
