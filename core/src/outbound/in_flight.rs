//! Bounded concurrency for each origin.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::Semaphore;
use url::Url;

/// Number of origins above which those without requests are dropped.
const SWEEP_ABOVE: usize = 64;

/// Permits by origin, shared by everyone who uses the client.
#[derive(Debug)]
pub(super) struct InFlight {
    limit: usize,
    origins: Mutex<HashMap<String, Weak<Semaphore>>>,
}

impl InFlight {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), origins: Mutex::default() }
    }

    /// Returns the permits of an origin, which live for as long as someone holds them.
    pub(super) fn of(&self, url: &Url) -> Arc<Semaphore> {
        let origin = url.origin().ascii_serialization();
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(permits) = origins.get(&origin).and_then(Weak::upgrade) {
            return permits;
        }
        if origins.len() >= SWEEP_ABOVE {
            origins.retain(|_, permits| permits.strong_count() > 0);
        }
        let permits = Arc::new(Semaphore::new(self.limit));
        origins.insert(origin, Arc::downgrade(&permits));
        permits
    }
}
