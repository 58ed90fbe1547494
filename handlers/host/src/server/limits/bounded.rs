//! Bounded memory of rate limits.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::atomic::{AtomicUsize, Ordering},
};

use governor::{
    nanos::Nanos,
    state::{
        InMemoryState, NotKeyed, StateStore,
        keyed::{DashMapStateStore, ShrinkableKeyedStateStore},
    },
};

/// Number of shared budgets for keys that find no room for their own.
const SHARED: usize = 1_024;

/// Budgets by key, up to a bound. Further keys share 1,024 budgets by an unpredictable hash.
///
/// A flood from any number of addresses therefore needs no more memory, takes nothing from known keys, and admits a
/// newcomer unless its shared budget is used up.
#[derive(Debug)]
pub(super) struct Bounded {
    own: DashMapStateStore<u128>,
    /// Number of keys with their own budget; slightly inexact between prunings.
    count: AtomicUsize,
    bound: usize,
    shared: Vec<InMemoryState>,
    hasher: RandomState,
}

impl Bounded {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            own: DashMapStateStore::default(),
            count: AtomicUsize::new(0),
            bound,
            shared: (0..SHARED).map(|_| InMemoryState::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    fn reserve(&self) -> bool {
        let next = |count: usize| (count < self.bound).then(|| count.saturating_add(1));
        self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }

    fn share(&self, key: u128) -> Option<&InMemoryState> {
        let shares = u64::try_from(self.shared.len()).unwrap_or(1).max(1);
        self.shared.get(usize::try_from(self.hasher.hash_one(key) % shares).unwrap_or_default())
    }
}

impl StateStore for Bounded {
    type Key = u128;

    fn measure_and_replace<T, F, E>(&self, key: &u128, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        if !self.own.contains_key(key)
            && !self.reserve()
            && let Some(share) = self.share(*key)
        {
            return share.measure_and_replace(&NotKeyed::NonKey, measure);
        }
        self.own.measure_and_replace(key, measure)
    }
}

impl ShrinkableKeyedStateStore<u128> for Bounded {
    fn retain_recent(&self, drop_below: Nanos) {
        ShrinkableKeyedStateStore::retain_recent(&self.own, drop_below);
        self.count.store(self.own.len(), Ordering::Relaxed);
    }

    fn shrink_to_fit(&self) {
        self.own.shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.own.len()
    }

    fn is_empty(&self) -> bool {
        self.own.is_empty()
    }
}
