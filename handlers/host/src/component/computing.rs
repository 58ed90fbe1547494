//! Computing time of a component for a request, measured in epochs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// Duration of an epoch, which is the precision of computing time.
pub(super) const EPOCH: Duration = Duration::from_millis(10);

/// Returns the number of epochs in this time, rounded up.
pub(super) fn epochs(time: Duration) -> u32 {
    u32::try_from(time.as_millis().div_ceil(EPOCH.as_millis().max(1))).unwrap_or(u32::MAX)
}

/// The counter of an engine's epochs.
#[derive(Debug, Clone, Default)]
pub(super) struct Epochs(Arc<AtomicU32>);

impl Epochs {
    /// Starts the next epoch.
    pub(super) fn advance(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn current(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The number of epochs in which a component has computed for one request.
///
/// Time in which the host works for it, or in which it waits, does not count.
#[derive(Debug)]
pub(super) struct Computing {
    epochs: Epochs,
    /// The last counted epoch.
    seen: AtomicU32,
    counted: AtomicU32,
}

impl Computing {
    /// Creates a counter at zero.
    pub(super) fn new(epochs: Epochs) -> Self {
        let seen = AtomicU32::new(epochs.current());
        Self { epochs, seen, counted: AtomicU32::new(0) }
    }

    /// Records that the component continues computing.
    pub(super) fn resume(&self) {
        self.seen.store(self.epochs.current(), Ordering::Relaxed);
    }

    /// Records that the component stops computing, and returns the number of epochs so far.
    ///
    /// A computing component is interrupted in every epoch, so an epoch that was missed was not spent computing.
    pub(super) fn pause(&self) -> u32 {
        let current = self.epochs.current();
        let another = self.seen.swap(current, Ordering::Relaxed) != current;
        self.counted.fetch_add(u32::from(another), Ordering::Relaxed).saturating_add(u32::from(another))
    }

    /// Resets the counter, because another instance starts from the beginning.
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
        // The host was working.
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
