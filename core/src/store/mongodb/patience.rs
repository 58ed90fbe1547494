//! Bounds in time: deadlines, and growing waits between attempts.

use std::time::{Duration, Instant};

use crate::store::{StoreError, StoreResult};

/// Does the work until the deadline at the latest.
pub(super) async fn bounded<T>(deadline: Instant, work: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
    if Instant::now() >= deadline {
        return Err(StoreError::Timeout);
    }
    tokio::time::timeout_at(deadline.into(), work).await.unwrap_or(Err(StoreError::Timeout))
}

/// Time left for the server, at least a millisecond: zero would mean without end.
pub(super) fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

/// Waits that double from about 2 ms to about 128 ms, each between half and the whole of its length at random, so that
/// those who came into each other's way do not meet again.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// More attempts than these fit in no deadline that a request has.
    const MAXIMUM_ATTEMPTS: u32 = 1_000;

    /// Waits before the next attempt; false when there have been enough.
    pub(super) async fn wait(&mut self) -> bool {
        self.attempts = self.attempts.saturating_add(1);
        if self.attempts > Self::MAXIMUM_ATTEMPTS {
            return false;
        }
        let full = 2_000_u64 << self.attempts.min(6);
        let mut random = [0_u8; 8];
        // Without randomness every wait is of full length, which is only less kind to the others.
        let half =
            if getrandom::fill(&mut random).is_ok() { u64::from_le_bytes(random) % (full / 2) } else { full / 2 };
        tokio::time::sleep(Duration::from_micros(full / 2 + half)).await;
        true
    }

    /// Attempts that failed so far.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }
}
