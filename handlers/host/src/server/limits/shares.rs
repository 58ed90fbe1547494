//! Bounded slots with a maximum share per address.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A bounded number of slots. Nobody waits for one: without a free slot, a request is refused.
#[derive(Debug)]
pub(in crate::server) struct Shares {
    most: usize,
    /// Maximum slots of one address.
    most_of_one: usize,
    taken: Mutex<Taken>,
}

/// Slots taken by address; never more entries than slots.
#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<u128, usize>,
}

/// Slots of an address, released on drop.
#[derive(Debug)]
pub(in crate::server) struct Slots {
    shares: Arc<Shares>,
    address: u128,
    slots: usize,
}

impl Shares {
    /// Creates slots of which one address gets at most half, so that a slow one does not lock out others.
    pub(in crate::server) fn halved(most: usize) -> Arc<Self> {
        Self::new(most, most.div_ceil(2))
    }

    /// Creates slots with a maximum share per address.
    pub(in crate::server) fn new(most: usize, most_of_one: usize) -> Arc<Self> {
        Arc::new(Self { most, most_of_one, taken: Mutex::default() })
    }

    /// Takes a slot for an address, if one is free.
    pub(in crate::server) fn enter(self: &Arc<Self>, address: u128) -> Option<Slots> {
        let mut slots = self.reserve(address);
        slots.more(1).then_some(slots)
    }

    /// Creates an empty set of slots, to which an address adds.
    pub(in crate::server) fn reserve(self: &Arc<Self>, address: u128) -> Slots {
        Slots { shares: Arc::clone(self), address, slots: 0 }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    /// Takes this many more slots, or none and false if there are fewer.
    pub(in crate::server) fn more(&mut self, slots: usize) -> bool {
        let mut taken = self.shares.taken();
        let Taken { all, by_address } = &mut *taken;
        let together = all.saturating_add(slots);
        let of_one = by_address.get(&self.address).copied().unwrap_or_default().saturating_add(slots);
        let free = together <= self.shares.most && of_one <= self.shares.most_of_one;
        if free && slots > 0 {
            *all = together;
            by_address.insert(self.address, of_one);
            self.slots = self.slots.saturating_add(slots);
        }
        free
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        if self.slots == 0 {
            return;
        }
        let mut taken = self.shares.taken();
        taken.all = taken.all.saturating_sub(self.slots);
        if let Some(slots) = taken.by_address.get_mut(&self.address) {
            *slots = slots.saturating_sub(self.slots);
            if *slots == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn one_address_has_half_of_the_slots_and_all_together_have_all() {
        let shares = Shares::halved(4);
        let first = shares.enter(1).unwrap();
        let _second = shares.enter(1).unwrap();
        assert!(shares.enter(1).is_none());
        let _others = [shares.enter(2).unwrap(), shares.enter(3).unwrap()];
        assert!(shares.enter(4).is_none());
        drop(first);
        let again = shares.enter(1).unwrap();
        drop(again);
        assert_eq!(shares.taken().by_address.len(), 3);
    }

    #[test]
    fn slots_that_are_taken_one_after_the_other_are_free_together() {
        let shares = Shares::halved(100);
        let mut slots = shares.reserve(1);
        assert!(slots.more(0) && slots.more(30) && slots.more(20));
        assert!(!slots.more(1), "one address has half of them");
        assert!(shares.reserve(2).more(50));
        drop(slots);
        assert!(shares.reserve(1).more(50));
        assert!(shares.taken().by_address.is_empty());
    }

    #[test]
    fn who_has_left_is_forgotten() {
        let shares = Shares::new(1, 1);
        for address in 0..1_000 {
            drop(shares.enter(address).unwrap());
        }
        assert!(shares.taken().by_address.is_empty());
    }
}
