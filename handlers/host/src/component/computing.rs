//! How long a component computes for a request, in epochs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// Time between two epochs: how exactly computing time is measured.
pub(super) const EPOCH: Duration = Duration::from_millis(10);

/// As many epochs as are in this time.
pub(super) fn epochs(time: Duration) -> u32 {
    u32::try_from(time.as_millis().div_ceil(EPOCH.as_millis().max(1))).unwrap_or(u32::MAX)
}

/// The epochs of an engine as they pass.
#[derive(Debug, Clone, Default)]
pub(super) struct Epochs(Arc<AtomicU32>);

impl Epochs {
    /// Another one begins.
    pub(super) fn advance(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn current(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// In how many epochs a component has computed for one request. Time in which the host works for it, or in which it waits, does
/// not count.
#[derive(Debug)]
pub(super) struct Computing {
    epochs: Epochs,
    /// The epoch that is counted already.
    seen: AtomicU32,
    counted: AtomicU32,
}

impl Computing {
    /// None so far.
    pub(super) fn new(epochs: Epochs) -> Self {
        let seen = AtomicU32::new(epochs.current());
        Self { epochs, seen, counted: AtomicU32::new(0) }
    }

    /// The component goes on computing.
    pub(super) fn resume(&self) {
        self.seen.store(self.epochs.current(), Ordering::Relaxed);
    }

    /// It has computed until now. Returns how many epochs in all: whoever computes is asked in each of them, so that one that was
    /// missed was not spent on computing.
    pub(super) fn pause(&self) -> u32 {
        let current = self.epochs.current();
        let another = self.seen.swap(current, Ordering::Relaxed) != current;
        self.counted.fetch_add(u32::from(another), Ordering::Relaxed).saturating_add(u32::from(another))
    }

    /// Another instance answers from the beginning.
    pub(super) fn start_anew(&self) {
        self.counted.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_epochs_that_begin_while_it_computes_count() {
        let epochs = Epochs::default();
        let computing = Computing::new(epochs.clone());
        assert_eq!(computing.pause(), 0);
        for _ in 0..3 {
            epochs.advance();
        }
        // The host was at work.
        computing.resume();
        assert_eq!(computing.pause(), 0);
        epochs.advance();
        assert_eq!((computing.pause(), computing.pause()), (1, 1));
        epochs.advance();
        assert_eq!(computing.pause(), 2);
        computing.start_anew();
        epochs.advance();
        assert_eq!(computing.pause(), 1);
    }
}
