//! A clock that tests control.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use crate::clock::{Clock, SystemClock, Timestamp};

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    milliseconds: AtomicI64,
}

impl ManualClock {
    /// Creates a clock that stands at this instant.
    #[must_use]
    pub fn at(instant: Timestamp) -> Self {
        Self { milliseconds: AtomicI64::new(instant.milliseconds()) }
    }

    /// Creates a clock that stands at the machine's current whole second.
    #[must_use]
    pub fn at_now() -> Self {
        Self::at(Timestamp::from_seconds(SystemClock.now().seconds()))
    }

    /// Moves it to this instant, forwards or backwards.
    pub fn set(&self, instant: Timestamp) {
        self.milliseconds.store(instant.milliseconds(), Ordering::SeqCst);
    }

    /// Moves it forwards.
    pub fn advance(&self, duration: Duration) {
        self.set(self.now().plus(duration));
    }

    /// Moves it backwards.
    pub fn rewind(&self, duration: Duration) {
        self.set(self.now().minus(duration));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(self.milliseconds.load(Ordering::SeqCst))
    }
}
