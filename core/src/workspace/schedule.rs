//! Times of next attempts and looks.

use std::time::Duration;

/// Wait after the first failure. It doubles with each one in a row.
const FIRST_RETRY: Duration = Duration::from_millis(500);

/// Maximum wait after a failure that may pass. A system that is down for all is spared by its breaker.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// Maximum wait that a system may ask for, and between looks at what has to happen first.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// Wait after a failure that only a person can end. It is looked at again, should they forget to say so.
const UNTIL_A_PERSON_ACTS: Duration = Duration::from_secs(60 * 60);

/// Wait for something in another system that gives no notice.
const WAITING: Duration = Duration::from_secs(2);

/// Time until the next look at what is looked at on request only: ten years.
pub(super) const RESTING: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Returns the wait before the next attempt after failures that may pass.
///
/// `fraction` is random, from 0 to 1. Half of the wait is jitter, so that tenants of one outage do not come back together.
pub(super) fn retry(attempts: u32, asked: Option<Duration>, fraction: f64) -> Duration {
    let doubled = FIRST_RETRY.saturating_mul(1_u32.checked_shl(attempts.saturating_sub(1).min(20)).unwrap_or(u32::MAX));
    let backoff = jittered(doubled.min(LONGEST_RETRY), fraction);
    asked.map_or(backoff, |asked| asked.min(LONGEST_WAIT).max(backoff))
}

/// Returns the wait after a failure that only a person can end.
pub(super) fn until_a_person_acts(fraction: f64) -> Duration {
    jittered(UNTIL_A_PERSON_ACTS, fraction)
}

/// Returns the wait for something that another system has to do, longer with each look.
pub(super) fn waiting(attempts: u32, fraction: f64) -> Duration {
    let doubled = WAITING.saturating_mul(1_u32.checked_shl(attempts.min(20)).unwrap_or(u32::MAX));
    jittered(doubled.min(LONGEST_WAIT), fraction)
}

/// Returns the wait until the next look at a system that is as it should be, spread over the interval.
pub(super) fn look(interval: Duration, fraction: f64) -> Duration {
    jittered(interval, fraction)
}

/// Returns a random part of a wait, from its half to the whole.
fn jittered(wait: Duration, fraction: f64) -> Duration {
    wait.mul_f64(0.5 + 0.5 * fraction.clamp(0.0, 1.0)).max(Duration::from_millis(1))
}

/// Returns a random number from 0 to 1; the middle if the system has no randomness.
#[allow(clippy::cast_precision_loss, reason = "32 bits fit")]
pub(super) fn random_fraction() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn waits_grow_and_stay_bounded(attempts in 0_u32..100, fraction in 0.0_f64..1.0, asked in proptest::option::of(0_u64..100_000)) {
            let asked = asked.map(Duration::from_secs);
            let wait = retry(attempts, asked, fraction);
            proptest::prop_assert!(wait <= LONGEST_WAIT && wait >= FIRST_RETRY / 2);
            if let Some(asked) = asked {
                proptest::prop_assert!(wait >= asked.min(LONGEST_WAIT), "a server that asks for a pause gets it");
            }
            proptest::prop_assert!(retry(attempts + 1, None, fraction) >= retry(attempts, None, fraction));
        }
    }
}
