//! Request activity of a connection.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Number of active requests of a connection, and the start of its idle time.
#[derive(Debug)]
pub(super) struct Activity {
    opened: Instant,
    asked: AtomicBool,
    under_way: AtomicUsize,
    /// Milliseconds from opening the connection to the end of the last request.
    finished: AtomicU64,
}

/// An active request, until dropped.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Activity>);

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            asked: AtomicBool::new(false),
            under_way: AtomicUsize::new(0),
            finished: AtomicU64::new(0),
        })
    }

    /// Starts a request.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        self.asked.store(true, Ordering::Relaxed);
        self.under_way.fetch_add(1, Ordering::AcqRel);
        UnderWay(Arc::clone(self))
    }

    /// Returns whether any request was ever received.
    pub(super) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Returns the idle time; `None` while a request is active.
    pub(super) fn idle(&self) -> Option<Duration> {
        if self.under_way.load(Ordering::Acquire) > 0 {
            return None;
        }
        let finished = Duration::from_millis(self.finished.load(Ordering::Acquire));
        Some(self.opened.elapsed().saturating_sub(finished))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let finished = u64::try_from(self.0.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        // Set before the count, so that a reader who sees no active request also sees the time.
        self.0.finished.store(finished, Ordering::Release);
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}
