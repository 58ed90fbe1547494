//! Times of next attempts and looks.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use crate::{clock::Timestamp, domain::SystemStateId};

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

/// Returns the wait until the next look at a system that is as it should be: one in each interval.
///
/// Each state has a time of its own in the interval. Otherwise tenants that were created or changed together would be looked
/// at together for ever.
pub(super) fn look(now: Timestamp, interval: Duration, state: SystemStateId) -> Duration {
    let interval = milliseconds(interval);
    let past = (now.milliseconds() - offset(state, interval)).rem_euclid(interval);
    Duration::from_millis(u64::try_from(interval - past).unwrap_or(1))
}

/// Returns `true` in every other interval of a state.
pub(super) fn is_odd(now: Timestamp, interval: Duration, state: SystemStateId) -> bool {
    let interval = milliseconds(interval);
    // Half an interval before a look and after it is the same one.
    (now.milliseconds() - offset(state, interval) + interval / 2).div_euclid(interval) % 2 != 0
}

/// Returns the time of a state within an interval.
fn offset(state: SystemStateId, interval: i64) -> i64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    i64::try_from(hasher.finish() % interval.unsigned_abs()).unwrap_or(0)
}

fn milliseconds(interval: Duration) -> i64 {
    i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).clamp(1, i64::MAX / 4)
}

/// Returns a random part of a wait, from its half to the whole.
pub(super) fn jittered(wait: Duration, fraction: f64) -> Duration {
    wait.mul_f64(0.5 + 0.5 * fraction.clamp(0.0, 1.0)).max(Duration::from_millis(1))
}

/// Returns a random number from 0 to 1; the middle if the system has no randomness.
#[allow(clippy::cast_precision_loss, reason = "32 bits fit")]
pub(super) fn random_fraction() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::domain::ObjectId;

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

        #[test]
        fn each_interval_has_one_look(now in 0_i64..1 << 42, hours in 1_u64..100, id: [u8; 12], late in 0.0_f64..0.4) {
            let (interval, state) = (Duration::from_secs(hours * 3600), SystemStateId(ObjectId::from_bytes(id)));
            let now = Timestamp::from_milliseconds(now);
            let wait = look(now, interval, state);
            proptest::prop_assert!(wait > Duration::ZERO && wait <= interval);
            // A run in between does not move the look, and one that is late does not move the next.
            let (due, halfway) = (now.plus(wait), now.plus(wait / 2));
            proptest::prop_assert_eq!(halfway.plus(look(halfway, interval, state)), due);
            let looked = due.plus(interval.mul_f64(late));
            let next = looked.plus(look(looked, interval, state));
            proptest::prop_assert_eq!(next, due.plus(interval));
            let odd = is_odd(looked, interval, state);
            proptest::prop_assert_ne!(odd, is_odd(next, interval, state));
            proptest::prop_assert_eq!(odd, is_odd(due, interval, state));
        }
    }

    #[test]
    fn looks_of_states_that_were_made_together_are_spread() {
        let (interval, now) = (Duration::from_secs(86_400), Timestamp::from_seconds(1_800_000_000));
        let mut hours = [0_usize; 24];
        for number in 0..24_000_u32 {
            let mut id = [7_u8; 12];
            id[8..].copy_from_slice(&number.to_be_bytes());
            let wait = look(now, interval, SystemStateId(ObjectId::from_bytes(id)));
            hours[usize::try_from((wait.as_secs().min(86_399)) / 3600).unwrap()] += 1;
        }
        assert!(hours.iter().all(|count| (800..1200).contains(count)), "{hours:?}");
    }
}
