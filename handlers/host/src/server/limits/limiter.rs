//! Rate limiter: a steadily refilling budget per key (generic cell rate algorithm).

use std::time::Duration;

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::StateInformationMiddleware,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Refusal, bounded::Bounded};
use crate::configuration::Rate;

/// Maximum number of keys with their own budget, in about 10 MB.
const KEYS: usize = 100_000;

/// Names of the limits for clients and metrics.
pub(super) const ADDRESS: &str = "address";
pub(super) const CALLER: &str = "caller";

const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// A rate limit.
#[derive(Debug)]
pub(super) struct Limiter<C: Clock = MonotonicClock> {
    name: &'static str,
    rate: Rate,
    limiter: RateLimiter<u128, Bounded, C, StateInformationMiddleware>,
}

/// Decision of a limit about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RateDecision {
    name: &'static str,
    /// Full budget, and the seconds in which it refills.
    quota: u32,
    window: u64,
    /// Remaining budget, and the seconds until it is full; for a refused request, until the next is allowed.
    remaining: u32,
    reset: u64,
    /// Time to wait; `None` when the request may pass.
    pub(super) wait: Option<Duration>,
}

impl Limiter {
    pub(super) fn new(name: &'static str, rate: Rate) -> Self {
        Self::with_clock(name, rate, KEYS, MonotonicClock)
    }
}

impl<C: Clock> Limiter<C> {
    fn with_clock(name: &'static str, rate: Rate, keys: usize, clock: C) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        let limiter = RateLimiter::new(quota, Bounded::new(keys), clock);
        Self { name, rate, limiter }
    }

    /// Takes one request from the budget of a key, if any is left.
    pub(super) fn check(&self, key: u128) -> RateDecision {
        let (remaining, wait) = match self.limiter.check_key(&key) {
            Ok(state) => (state.remaining_burst_capacity(), None),
            Err(refusal) => (0, Some(refusal.wait_time_from(self.limiter.clock().now()))),
        };
        let burst = self.rate.burst.get();
        let reset = wait.map_or_else(|| self.seconds(burst.saturating_sub(remaining)), whole_seconds);
        RateDecision { name: self.name, quota: burst, window: self.seconds(burst), remaining, reset, wait }
    }

    /// Returns the seconds in which a number of requests is refilled.
    fn seconds(&self, requests: u32) -> u64 {
        u64::from(requests.div_ceil(self.rate.per_second.get()))
    }

    /// Removes keys with a full budget.
    pub(super) fn prune(&self) {
        self.limiter.retain_recent();
    }

    /// Returns the number of keys with their own budget.
    pub(super) fn keys(&self) -> usize {
        self.limiter.len()
    }
}

/// Rounds up to seconds for `Retry-After`.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

impl RateDecision {
    /// Returns the metric under which a refusal is counted.
    pub(super) fn refusal(&self) -> Refusal {
        if self.name == ADDRESS { Refusal::Address } else { Refusal::Caller }
    }

    /// Adds the response headers (draft-ietf-httpapi-ratelimit-headers-10: lists of strings with parameters, RFC 9651).
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let Self { name, quota, window, remaining, reset, .. } = self;
        let policy = format!("\"{name}\";q={quota};w={window}");
        let state = format!("\"{name}\";r={remaining};t={reset}");
        for (header, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, state)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(header, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

    use std::num::NonZeroU32;

    use governor::clock::FakeRelativeClock;

    use super::*;

    fn limiter(per_second: u32, burst: u32, keys: usize) -> (Limiter<FakeRelativeClock>, FakeRelativeClock) {
        let rate = Rate { per_second: NonZeroU32::new(per_second).unwrap(), burst: NonZeroU32::new(burst).unwrap() };
        let clock = FakeRelativeClock::default();
        (Limiter::with_clock("caller", rate, keys, clock.clone()), clock)
    }

    fn passes(limiter: &Limiter<FakeRelativeClock>, key: u128) -> bool {
        limiter.check(key).wait.is_none()
    }

    #[test]
    fn a_burst_passes_exactly_and_the_wait_that_is_told_suffices() {
        let (limiter, clock) = limiter(2, 5, 10);
        for left in (0..5).rev() {
            let decision = limiter.check(1);
            assert_eq!((decision.wait, decision.remaining), (None, left));
        }
        let refused = limiter.check(1);
        let wait = refused.wait.unwrap();
        assert_eq!((refused.remaining, refused.reset), (0, 1));
        assert!(passes(&limiter, 2), "another key has its own budget");
        clock.advance(wait - Duration::from_millis(1));
        assert!(!passes(&limiter, 1), "the wait is no longer than it must be");
        clock.advance(Duration::from_millis(1));
        assert!(passes(&limiter, 1));
        assert!(!passes(&limiter, 1));
        // A refusal costs nothing: after 2.5 seconds the budget is full again.
        clock.advance(Duration::from_millis(2_500));
        for _ in 0..5 {
            assert!(passes(&limiter, 1));
        }
        assert!(!passes(&limiter, 1));
    }

    #[test]
    fn a_standing_is_told_in_structured_fields() {
        let (limiter, _) = limiter(2, 5, 10);
        let mut headers = HeaderMap::new();
        limiter.check(1).write(&mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"caller\";q=5;w=3");
        assert_eq!(headers["ratelimit"], "\"caller\";r=4;t=1");
    }

    #[test]
    fn any_number_of_keys_needs_no_more_room_and_takes_nothing_from_those_before() {
        let (limiter, clock) = limiter(1, 2, 100);
        for key in 0..100 {
            assert!(passes(&limiter, key));
        }
        let strangers = (1_000..1_000_000).filter(|key| passes(&limiter, *key)).count();
        assert_eq!(limiter.keys(), 100);
        assert!(strangers <= 1_024 * 2, "{strangers} passed with 1,024 shared budgets of 2");
        for key in 0..100 {
            assert!(passes(&limiter, key), "{key} has used half of its own budget");
            assert!(!passes(&limiter, key));
        }
        clock.advance(Duration::from_secs(10));
        limiter.prune();
        assert_eq!(limiter.keys(), 0, "whose budget is whole is forgotten");
        assert!(passes(&limiter, 2_000_000));
        assert_eq!(limiter.keys(), 1, "newcomers have a budget of their own again");
    }

    #[test]
    fn pruning_forgets_nobody_whose_budget_is_not_whole() {
        let (limiter, clock) = limiter(1, 3, 10);
        for _ in 0..3 {
            assert!(passes(&limiter, 1));
        }
        clock.advance(Duration::from_millis(1_500));
        limiter.prune();
        assert!(passes(&limiter, 1));
        assert!(!passes(&limiter, 1), "the budget had not been refilled by pruning");
    }
}
