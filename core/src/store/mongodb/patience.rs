//! Time limits: deadlines, and backoff between attempts.

use std::time::{Duration, Instant};

use crate::store::{StoreError, StoreResult};

/// Runs the work until the deadline at the latest.
pub(super) async fn bounded<T>(deadline: Instant, work: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
    if Instant::now() >= deadline {
        return Err(StoreError::Timeout);
    }
    tokio::time::timeout_at(deadline.into(), work).await.unwrap_or(Err(StoreError::Timeout))
}

/// Returns the time left for the server, at least a millisecond, since zero would mean unlimited.
pub(super) fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

/// Exponential backoff from about 2 ms to about 128 ms.
///
/// Each wait is random between half and all of its length, so that conflicting writers do not conflict again.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// No deadline of a request has room for more attempts than these.
    const MAXIMUM_ATTEMPTS: u32 = 1_000;

    /// Waits before the next attempt. Returns `false` if there were too many.
    pub(super) async fn wait(&mut self) -> bool {
        self.attempts = self.attempts.saturating_add(1);
        if self.attempts > Self::MAXIMUM_ATTEMPTS {
            return false;
        }
        let full = 2_000_u64 << self.attempts.min(6);
        let mut random = [0_u8; 8];
        // Without randomness every wait has its full length, which only makes further conflicts more likely.
        let half =
            if getrandom::fill(&mut random).is_ok() { u64::from_le_bytes(random) % (full / 2) } else { full / 2 };
        tokio::time::sleep(Duration::from_micros(full / 2 + half)).await;
        true
    }

    /// Returns the number of failed attempts.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }
}
