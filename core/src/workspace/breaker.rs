//! Circuit breakers: a system that does not answer is asked by one run at a time until it does.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{clock::Timestamp, domain::workspace::SystemKind};

/// Number of failures in a row that open a breaker.
const OPENS_AT: u32 = 5;

/// First time for which it is open. It doubles with each failed probe.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Maximum time for which it is open.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, Default)]
struct Breaker {
    failures: u32,
    open_until: Option<Timestamp>,
    probing: bool,
}

/// The breakers of a process, one for each system.
#[derive(Debug, Default)]
pub(super) struct Breakers(Mutex<HashMap<SystemKind, Breaker>>);

impl Breakers {
    /// Returns how long a system is not to be asked; `None` if it may be asked now.
    pub(super) fn pause(&self, system: SystemKind, now: Timestamp) -> Option<Duration> {
        let mut breakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let breaker = breakers.entry(system).or_default();
        let until = breaker.open_until?;
        if now < until {
            let milliseconds = until.milliseconds().saturating_sub(now.milliseconds());
            return Some(Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0)));
        }
        if breaker.probing {
            return Some(FIRST_PAUSE);
        }
        breaker.probing = true;
        None
    }

    /// Returns `true` from the failure that opened the breaker until the system answers.
    pub(super) fn is_open(&self, system: SystemKind) -> bool {
        let breakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        breakers.get(&system).is_some_and(|breaker| breaker.open_until.is_some())
    }

    /// Notes that a system answered, whatever it said.
    pub(super) fn answered(&self, system: SystemKind) {
        let mut breakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = breakers.insert(system, Breaker::default()).filter(|before| before.open_until.is_some()) {
            tracing::info!(?system, failures = before.failures, "the system answers again");
        }
    }

    /// Notes that a system did not answer.
    pub(super) fn failed(&self, system: SystemKind, now: Timestamp) {
        let mut breakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let breaker = breakers.entry(system).or_default();
        breaker.failures = breaker.failures.saturating_add(1);
        breaker.probing = false;
        if breaker.failures < OPENS_AT {
            return;
        }
        if breaker.open_until.is_none() {
            tracing::warn!(?system, "the system does not answer, and is asked less often until it does");
        }
        let doubled = 1_u32.checked_shl((breaker.failures - OPENS_AT).min(16)).unwrap_or(u32::MAX);
        breaker.open_until = Some(now.plus(FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)));
    }

    /// Notes that a run ended without asking the system.
    pub(super) fn released(&self, system: SystemKind) {
        let mut breakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        breakers.entry(system).or_default().probing = false;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const MAIL: SystemKind = SystemKind::Mail;

    #[test]
    fn a_silent_system_is_asked_by_one_run_at_a_time() {
        let breakers = Breakers::default();
        let start = Timestamp::from_seconds(1_000);
        for _ in 0..OPENS_AT {
            assert_eq!(breakers.pause(MAIL, start), None);
            breakers.failed(MAIL, start);
        }
        assert_eq!(breakers.pause(MAIL, start), Some(FIRST_PAUSE));
        assert_eq!(breakers.pause(SystemKind::Files, start), None, "others are asked");
        let later = start.plus(FIRST_PAUSE);
        assert_eq!(breakers.pause(MAIL, later), None, "one probe");
        assert!(breakers.pause(MAIL, later).is_some(), "and no second one");
        breakers.failed(MAIL, later);
        assert_eq!(breakers.pause(MAIL, later), Some(FIRST_PAUSE * 2));
        let again = later.plus(FIRST_PAUSE * 2);
        assert_eq!(breakers.pause(MAIL, again), None);
        breakers.answered(MAIL);
        assert_eq!(breakers.pause(MAIL, again), None);
        assert_eq!(breakers.pause(MAIL, again), None, "all are served again");
    }

    #[test]
    fn pauses_are_bounded() {
        let breakers = Breakers::default();
        let start = Timestamp::from_seconds(1_000);
        for _ in 0..100 {
            breakers.failed(MAIL, start);
        }
        assert_eq!(breakers.pause(MAIL, start), Some(LONGEST_PAUSE));
    }
}
