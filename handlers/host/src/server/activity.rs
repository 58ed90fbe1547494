//! What is asked on a connection.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Requests of a connection that are under way, and since when there is none.
#[derive(Debug)]
pub(super) struct Activity {
    opened: Instant,
    asked: AtomicBool,
    under_way: AtomicUsize,
    /// Milliseconds after it was opened at which a request was last finished.
    finished: AtomicU64,
}

/// A request that is under way, until it is dropped.
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

    /// A request begins.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        self.asked.store(true, Ordering::Relaxed);
        self.under_way.fetch_add(1, Ordering::AcqRel);
        UnderWay(Arc::clone(self))
    }

    /// Whether anything was ever asked.
    pub(super) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// For how long nothing has been asked; none while a request is under way.
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
        // Before the count, so that whoever sees none under way sees since when.
        self.0.finished.store(finished, Ordering::Release);
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}
