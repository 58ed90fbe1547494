//! Faults that an emulator injects, drawn from a seed.

use std::{sync::Mutex, time::Duration};

/// A fault of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Status 500 without the effect.
    ErrorBefore,
    /// Status 500 after the effect.
    ErrorAfter,
    /// A connection closed without the effect and without a response.
    ResetBefore,
    /// A connection closed after the effect, without a response.
    ResetAfter,
    /// A response cut in half, after the effect.
    Cut,
    /// Status 429 with `Retry-After: 1`, without the effect.
    RateLimit,
    /// Status 401 without the effect, as if the credential had expired.
    Expired,
}

impl Fault {
    /// Faults drawn at random. `Expired` is set on purpose only.
    const DRAWN: [Self; 6] =
        [Self::ErrorBefore, Self::ErrorAfter, Self::ResetBefore, Self::ResetAfter, Self::Cut, Self::RateLimit];
}

/// Faults of an emulator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Faults {
    /// Share of exchanges with a random fault, from 0 to 1. Default: 0.
    pub share: f64,
    /// Fault of every exchange. Default: none.
    pub every: Option<Fault>,
    /// Delay before each response. Default: none.
    pub latency: Duration,
    /// Time for which a created object is absent from lists and searches. Default: none.
    pub listing_delay: Duration,
    /// Seed of the random faults. Default: 0.
    pub seed: u64,
}

impl Default for Faults {
    fn default() -> Self {
        Self { share: 0.0, every: None, latency: Duration::ZERO, listing_delay: Duration::ZERO, seed: 0 }
    }
}

/// The current faults and the state of the random numbers.
#[derive(Debug)]
pub(super) struct Injection(Mutex<(Faults, u64)>);

impl Injection {
    pub(super) fn new(faults: Faults) -> Self {
        Self(Mutex::new((faults, faults.seed)))
    }

    pub(super) fn set(&self, faults: Faults) {
        *self.lock() = (faults, faults.seed);
    }

    pub(super) fn faults(&self) -> Faults {
        self.lock().0
    }

    /// Draws the fault of the next exchange.
    pub(super) fn draw(&self) -> Option<Fault> {
        let mut state = self.lock();
        let faults = state.0;
        if faults.every.is_some() {
            return faults.every;
        }
        if faults.share <= 0.0 {
            return None;
        }
        let hit = fraction(&mut state.1) < faults.share;
        let choice = next(&mut state.1) % (Fault::DRAWN.len() as u64);
        hit.then(|| usize::try_from(choice).ok().and_then(|index| Fault::DRAWN.get(index).copied())).flatten()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Faults, u64)> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Returns the next number of SplitMix64 (Steele, Lea, Flood 2014), which needs no crate.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Returns a number from 0 to 1.
#[allow(clippy::cast_precision_loss, reason = "53 bits fit")]
fn fraction(state: &mut u64) -> f64 {
    (next(state) >> 11) as f64 / (1_u64 << 53) as f64
}
