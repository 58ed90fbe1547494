//! Memory of instances: a part reserved for each, and a shared pool for everything beyond it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use wasmtime::{ResourceLimiter, Result, StoreLimits, StoreLimitsBuilder};

use super::Bounds;

/// Bytes of memory reserved for each instance, which is more than most requests use.
const OWN: usize = 2 * 1024 * 1024;

/// The memory that all instances of a component share.
#[derive(Debug)]
pub(super) struct Pool {
    left: AtomicUsize,
}

impl Pool {
    /// Creates an unused pool.
    pub(super) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(bytes) })
    }

    fn take(&self, bytes: usize) -> bool {
        let taken = |left: usize| left.checked_sub(bytes);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// The memory of one instance; released when dropped.
pub(super) struct Share {
    pool: Arc<Pool>,
    taken: usize,
    refused: bool,
    limits: StoreLimits,
}

impl Share {
    /// Creates an empty share, within bounds.
    pub(super) fn of(pool: Arc<Pool>, bounds: &Bounds) -> Self {
        let limits = StoreLimitsBuilder::new().memory_size(bounds.memory).memories(1).tables(8).instances(8);
        Self { pool, taken: 0, refused: false, limits: limits.build() }
    }

    /// Returns `true` if the instance holds memory from the pool.
    pub(super) fn holds(&self) -> bool {
        self.taken > 0
    }

    /// Returns `true` if the instance was refused memory because others have it.
    pub(super) fn was_refused(&self) -> bool {
        self.refused
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.pool.give_back(self.taken);
    }
}

impl ResourceLimiter for Share {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        if !self.limits.memory_growing(current, desired, maximum)? {
            return Ok(false);
        }
        let more = desired.saturating_sub(OWN).saturating_sub(self.taken);
        if !self.pool.take(more) {
            self.refused = true;
            return Ok(false);
        }
        self.taken = self.taken.saturating_add(more);
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        self.limits.table_growing(current, desired, maximum)
    }

    fn instances(&self) -> usize {
        self.limits.instances()
    }

    fn tables(&self) -> usize {
        self.limits.tables()
    }

    fn memories(&self) -> usize {
        self.limits.memories()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::component::PoolLimits;

    #[test]
    fn what_is_taken_beyond_ones_own_comes_out_of_one_pool_and_goes_back_into_it() {
        let bounds = Bounds::of(PoolLimits { memory: 3 * OWN, ..PoolLimits::default() });
        let pool = Pool::new(2 * OWN);
        let share = || Share::of(Arc::clone(&pool), &bounds);
        let (mut one, mut other) = (share(), share());
        assert!(one.memory_growing(0, OWN, None).unwrap() && !one.holds());
        assert!(!one.memory_growing(OWN, 3 * OWN + 1, None).unwrap() && !one.was_refused(), "more than one may have");
        assert!(one.memory_growing(OWN, 2 * OWN, None).unwrap() && one.holds());
        assert!(one.memory_growing(2 * OWN, 3 * OWN, None).unwrap());
        assert!(other.memory_growing(0, OWN, None).unwrap(), "each has its own");
        assert!(!other.memory_growing(OWN, OWN + 1, None).unwrap() && other.was_refused(), "nothing is left");
        drop(one);
        assert!(other.memory_growing(OWN, 3 * OWN, None).unwrap());
    }
}
