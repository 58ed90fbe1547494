//! Entitlements: what a subscription entitles to. Pure.

use super::{Subscription, SubscriptionStatus};
use crate::clock::Timestamp;

/// Something that a subscription may entitle to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature<'a> {
    /// Something that the plan includes by name.
    Named(&'a str),
    /// This many seats more.
    Seats(u32),
    /// This many bytes of files more.
    Files(u64),
}

/// The use that a tenant makes of its subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Seats: people in the tenant, and open invitations.
    pub seats: u32,
    /// Bytes of files; 0 if they are not known.
    pub files: u64,
}

/// The answer to the question if a subscription entitles to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entitled {
    /// It does.
    Yes,
    /// There is no subscription in force.
    NotInForce,
    /// The plan does not include it.
    NotIncluded,
    /// The plan includes less of it; the bound.
    Exhausted(u64),
}

impl Entitled {
    /// Returns `true` if the subscription entitles to it.
    #[must_use]
    pub const fn is_yes(self) -> bool {
        matches!(self, Self::Yes)
    }
}

/// Returns `true` if a subscription gives what it is about: on trial, paid, or within the grace period of a late payment.
#[must_use]
pub fn in_force(subscription: &Subscription, has_passed: impl Fn(Timestamp) -> bool) -> bool {
    match subscription.status.counts_as() {
        SubscriptionStatus::Trialing => !subscription.trial_ends_at.is_some_and(has_passed),
        SubscriptionStatus::Active | SubscriptionStatus::PastDue => true,
        SubscriptionStatus::Incomplete
        | SubscriptionStatus::Paused
        | SubscriptionStatus::Suspended
        | SubscriptionStatus::Cancelled => false,
    }
}

/// Decides if a subscription entitles to a feature, given what is used already.
///
/// A subscription without terms is from before the catalogue of plans: it bounds nothing and includes no features.
#[must_use]
pub fn entitled(subscription: &Subscription, feature: Feature<'_>, usage: Usage, now: Timestamp) -> Entitled {
    if !in_force(subscription, |time| time <= now) {
        return Entitled::NotInForce;
    }
    let within = |used: u64, more: u64, bound: u64| match used.checked_add(more) {
        Some(total) if total <= bound => Entitled::Yes,
        _ => Entitled::Exhausted(bound),
    };
    match (&subscription.terms, feature) {
        (None, Feature::Named(_)) => Entitled::NotIncluded,
        (None, Feature::Seats(_) | Feature::Files(_)) => Entitled::Yes,
        (Some(terms), Feature::Named(name)) if terms.features.iter().any(|feature| feature == name) => Entitled::Yes,
        (Some(_), Feature::Named(_)) => Entitled::NotIncluded,
        (Some(_), Feature::Seats(more)) => within(usage.seats.into(), more.into(), subscription.seats.into()),
        (Some(terms), Feature::Files(more)) => within(usage.files, more, terms.files_bytes),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;
    use crate::domain::{Choice as _, TenantId, plan::Terms};

    fn subscription(status: SubscriptionStatus) -> Subscription {
        let mut subscription = Subscription::blank(TenantId::generate(), Timestamp::from_seconds(0));
        subscription.status = status.into();
        subscription.seats = 3;
        subscription.terms = Some(Terms { features: vec!["meetings".to_owned()], ..Terms::DEFAULT });
        subscription
    }

    #[test]
    fn only_a_subscription_in_force_entitles() {
        let now = Timestamp::from_seconds(1_000);
        for status in SubscriptionStatus::ALL {
            let answer = entitled(&subscription(*status), Feature::Named("meetings"), Usage::default(), now);
            let in_force = matches!(
                status,
                SubscriptionStatus::Trialing | SubscriptionStatus::Active | SubscriptionStatus::PastDue
            );
            assert_eq!(answer.is_yes(), in_force, "{status:?}: {answer:?}");
        }
        let mut trial = subscription(SubscriptionStatus::Trialing);
        trial.trial_ends_at = Some(now);
        assert_eq!(entitled(&trial, Feature::Seats(1), Usage::default(), now), Entitled::NotInForce);
    }

    proptest::proptest! {
        #[test]
        fn seats_are_given_up_to_their_number(used in 0_u32..10, more in 0_u32..10, files in proptest::num::u64::ANY) {
            let (subscription, now) = (subscription(SubscriptionStatus::Active), Timestamp::from_seconds(1_000));
            let usage = Usage { seats: used, files };
            let answer = entitled(&subscription, Feature::Seats(more), usage, now);
            proptest::prop_assert_eq!(answer.is_yes(), used + more <= 3);
            let bound = Terms::DEFAULT.files_bytes;
            let answer = entitled(&subscription, Feature::Files(1), usage, now);
            proptest::prop_assert_eq!(answer.is_yes(), files < bound);
        }
    }

    #[test]
    fn one_from_before_the_catalogue_bounds_nothing_and_includes_nothing() {
        let mut before = subscription(SubscriptionStatus::Active);
        before.terms = None;
        let usage = Usage { seats: 1_000, files: u64::MAX };
        let now = Timestamp::from_seconds(1_000);
        assert!(entitled(&before, Feature::Seats(1), usage, now).is_yes());
        assert_eq!(entitled(&before, Feature::Named("meetings"), usage, now), Entitled::NotIncluded);
    }
}
