//! The life of a subscription: which state follows which, and when. Pure.

use std::time::Duration;

use super::{Subscription, SubscriptionStatus, Tenant, TenantStatus};
use crate::clock::Timestamp;

/// Times within the life of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LifecycleSettings {
    /// Time from a late payment to suspension. Default: 14 days.
    pub payment_grace: Duration,
    /// Time from suspension to cancellation. Default: 30 days.
    pub suspension: Duration,
    /// Time from cancellation to the deletion of the tenant, which can be undone within its own grace period. Default: 30 days.
    pub retention: Duration,
    /// Time before the end of a trial at which the owners are told. Default: 7 days.
    pub trial_notice: Duration,
}

impl LifecycleSettings {
    const DAY: u64 = 24 * 60 * 60;

    /// The default times.
    pub const DEFAULT: Self = Self {
        payment_grace: Duration::from_secs(14 * Self::DAY),
        suspension: Duration::from_secs(30 * Self::DAY),
        retention: Duration::from_secs(30 * Self::DAY),
        trial_notice: Duration::from_secs(7 * Self::DAY),
    };
}

impl Default for LifecycleSettings {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Something that time does to a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Its status becomes another one.
    Becomes(SubscriptionStatus),
    /// Its tenant is deleted.
    DeletesTenant,
}

/// Returns what time does next to a subscription, and when.
///
/// Time moves only subscriptions with terms: the dates of those from before the catalogue of plans were never more than notes. Of one
/// that the payment provider has, it moves what the provider does not: neither the end of a trial nor that of a period.
#[must_use]
pub fn next_step(subscription: &Subscription, settings: &LifecycleSettings) -> Option<(Timestamp, Step)> {
    subscription.terms.as_ref()?;
    let is_paid_elsewhere = subscription.stripe_subscription_id.is_some();
    let since = subscription.status_since.unwrap_or(subscription.created_at);
    let becomes = |time: Timestamp, status| Some((time, Step::Becomes(status)));
    match subscription.status.counts_as() {
        SubscriptionStatus::Trialing if !is_paid_elsewhere => {
            becomes(subscription.trial_ends_at?, SubscriptionStatus::PastDue)
        }
        SubscriptionStatus::Active if !is_paid_elsewhere => {
            becomes(subscription.current_period_ends_at?, SubscriptionStatus::PastDue)
        }
        SubscriptionStatus::PastDue => becomes(since.plus(settings.payment_grace), SubscriptionStatus::Suspended),
        SubscriptionStatus::Suspended if !subscription.status.is_foreign() => {
            becomes(since.plus(settings.suspension), SubscriptionStatus::Cancelled)
        }
        SubscriptionStatus::Cancelled => Some((since.plus(settings.retention), Step::DeletesTenant)),
        // The provider ends what was never paid; a pause has no end of its own, nor has a state that Dezky does not know.
        SubscriptionStatus::Incomplete
        | SubscriptionStatus::Paused
        | SubscriptionStatus::Trialing
        | SubscriptionStatus::Active
        | SubscriptionStatus::Suspended => None,
    }
}

/// Returns `true` if a subscription may go from one state to another, whoever asks for it.
///
/// A cancelled one stays so. Nothing becomes incomplete, and only what is incomplete, or new, becomes a trial.
#[must_use]
pub fn may_become(from: SubscriptionStatus, to: SubscriptionStatus) -> bool {
    use SubscriptionStatus::{Active, Cancelled, Incomplete, PastDue, Paused, Suspended, Trialing};
    match (from, to) {
        _ if from == to => true,
        (Cancelled, _) | (_, Incomplete) => false,
        (Incomplete, Trialing | Active | Cancelled) => true,
        (Incomplete, _) => false,
        (_, Trialing) => matches!(from, Paused),
        (Trialing | Active | PastDue | Paused | Suspended, Active | PastDue | Paused | Suspended | Cancelled) => true,
    }
}

/// Returns the tenant as its subscription has it: suspended with it, and in use again with it.
///
/// A tenant that a person has suspended stays so, whatever is paid.
#[must_use]
pub fn follow(tenant: &Tenant, subscription: &Subscription) -> Option<Tenant> {
    subscription.terms.as_ref()?;
    let withheld = match subscription.status.counts_as() {
        SubscriptionStatus::Suspended | SubscriptionStatus::Cancelled => true,
        SubscriptionStatus::Trialing | SubscriptionStatus::Active | SubscriptionStatus::PastDue => false,
        SubscriptionStatus::Incomplete | SubscriptionStatus::Paused => return None,
    };
    let mut followed = tenant.clone();
    match (tenant.status.counts_as(), withheld) {
        (TenantStatus::Pending | TenantStatus::Active, true) => {
            followed.set_status(TenantStatus::Suspended);
            followed.suspended_for = Some(subscription.id);
        }
        (TenantStatus::Suspended, false) if tenant.suspended_for.is_some() => {
            let before = tenant.suspended_from.as_ref().map_or(TenantStatus::Active, super::Open::counts_as);
            followed.set_status(before);
        }
        _ => return None,
    }
    Some(followed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;
    use crate::domain::{Choice as _, TenantId, plan::Terms};

    fn subscription(status: SubscriptionStatus) -> Subscription {
        let mut subscription = Subscription::blank(TenantId::generate(), Timestamp::from_seconds(0));
        subscription.status = status.into();
        subscription.status_since = Some(Timestamp::from_seconds(1_000));
        subscription.terms = Some(Terms::DEFAULT);
        subscription
    }

    #[test]
    fn time_only_moves_forward_and_only_where_it_may() {
        for status in SubscriptionStatus::ALL {
            let mut one = subscription(*status);
            one.trial_ends_at = Some(Timestamp::from_seconds(2_000));
            one.current_period_ends_at = Some(Timestamp::from_seconds(2_000));
            match next_step(&one, &LifecycleSettings::DEFAULT) {
                Some((time, Step::Becomes(next))) => {
                    assert!(time > Timestamp::from_seconds(1_000) && next != *status, "{status:?}");
                    assert!(may_become(*status, next), "{status:?} becomes {next:?}");
                }
                Some((_, Step::DeletesTenant)) => assert_eq!(*status, SubscriptionStatus::Cancelled),
                None => {
                    assert!(matches!(status, SubscriptionStatus::Incomplete | SubscriptionStatus::Paused), "{status:?}")
                }
            }
            one.terms = None;
            assert_eq!(next_step(&one, &LifecycleSettings::DEFAULT), None, "one without terms is moved by people only");
        }
    }

    #[test]
    fn what_the_provider_bills_is_not_ended_by_time() {
        for status in [SubscriptionStatus::Trialing, SubscriptionStatus::Active] {
            let mut one = subscription(status);
            one.trial_ends_at = Some(Timestamp::from_seconds(2_000));
            one.current_period_ends_at = Some(Timestamp::from_seconds(2_000));
            one.stripe_subscription_id = Some("sub_1".to_owned());
            assert_eq!(next_step(&one, &LifecycleSettings::DEFAULT), None, "{status:?}");
        }
        let mut late = subscription(SubscriptionStatus::PastDue);
        late.stripe_subscription_id = Some("sub_1".to_owned());
        assert!(next_step(&late, &LifecycleSettings::DEFAULT).is_some(), "a late payment has an end in any case");
    }

    #[test]
    fn every_pair_of_states_is_decided() {
        use SubscriptionStatus::{Active, Cancelled, Incomplete, PastDue, Paused, Suspended, Trialing};
        let allowed = [
            (Incomplete, &[Trialing, Active, Cancelled][..]),
            (Trialing, &[Active, PastDue, Paused, Suspended, Cancelled]),
            (Active, &[PastDue, Paused, Suspended, Cancelled]),
            (PastDue, &[Active, Paused, Suspended, Cancelled]),
            (Paused, &[Trialing, Active, PastDue, Suspended, Cancelled]),
            (Suspended, &[Active, PastDue, Paused, Cancelled]),
            (Cancelled, &[]),
        ];
        for (from, next) in allowed {
            for to in SubscriptionStatus::ALL {
                assert_eq!(may_become(from, *to), from == *to || next.contains(to), "{from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn a_tenant_follows_its_subscription_and_not_against_a_person() {
        let now = Timestamp::from_seconds(0);
        let mut tenant = Tenant::blank("acme".to_owned(), now);
        tenant.set_status(TenantStatus::Active);
        let suspended = subscription(SubscriptionStatus::Suspended);
        let with_it = follow(&tenant, &suspended).unwrap();
        assert_eq!(with_it.status, TenantStatus::Suspended);
        assert_eq!(follow(&with_it, &suspended), None);
        let paid = subscription(SubscriptionStatus::Active);
        assert_eq!(follow(&with_it, &paid).unwrap(), tenant);
        // A person has suspended it.
        tenant.set_status(TenantStatus::Suspended);
        assert_eq!(follow(&tenant, &suspended), None);
        assert_eq!(follow(&tenant, &paid), None);
    }
}
