//! Notices: mail to the owners of a tenant at each step of its subscription's life.

use std::time::Duration;

use dezky_derive::{Choice, entity};
use serde::{Deserialize, Serialize};

use super::{
    Choice as _, NoticeId, Subscription, SubscriptionStatus, Tenant, TenantId, TenantStatus, UserId,
    lifecycle::{LifecycleSettings, Step, next_step},
};
use crate::{clock::Timestamp, store::Scope};

/// Time after a step within which its notice is sent. After it, the notice is removed, sent or not.
pub const TOLD_WITHIN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Longest time before the end of a trial at which it may be told, in days.
pub const MOST_TRIAL_NOTICE_DAYS: u64 = 90;

/// Subject of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Choice)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// The trial ends on its date.
    #[choice(unknown)]
    TrialEnds,
    /// A payment is late; the tenant is suspended on its date.
    PaymentFailed,
    /// The tenant is suspended; its subscription is cancelled on its date.
    Suspended,
    /// The subscription is cancelled; the tenant is deleted on its date.
    Cancelled,
    /// The tenant is deleted; its data is erased on its date, and until then the deletion can be undone.
    Deleted,
}

/// Status of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Choice)]
#[serde(rename_all = "snake_case")]
pub enum NoticeStatus {
    /// Some owner is still to be mailed.
    Waiting,
    /// At least one owner was mailed, and none waits.
    Sent,
    /// No owner could be mailed.
    Failed,
    /// It does not hold any more.
    #[choice(unknown)]
    Withdrawn,
}

/// A stored notice. It has ids of people, and no address.
#[entity(
    /// The collection of notices.
    collection NOTICES = "notices",
    scope = Scope::Tenant("tenantId"),
    keys = Self::keys,
    /// A tenant's notices, for the removal of its data.
    index NOTICES_OF_TENANT = of_tenant(tenant_id),
    /// Notices by the time of their next step.
    index NOTICES_BY_DUE = by_due(due_at),
    /// Notices by the time at which they are removed.
    index NOTICES_BY_EXPIRY = by_expiry(expires_at),
)]
#[derive(Debug)]
pub struct Notice {
    /// Its id.
    pub id: NoticeId,
    /// Its version.
    pub version: u64,
    /// The tenant.
    #[field(silent)]
    pub tenant_id: TenantId,
    /// Its subject.
    pub kind: NoticeKind,
    /// Time of what it tells, by which one occurrence differs from another.
    #[field(silent)]
    pub since: Timestamp,
    /// Date that it tells of, as of the last attempt.
    #[field(silent)]
    pub date: Timestamp,
    /// Its status.
    pub status: NoticeStatus,
    /// Time of its next attempt; while an attempt runs, the end of its claim.
    #[field(silent)]
    pub due_at: Timestamp,
    /// Number of attempts.
    #[field(silent)]
    pub attempts: u32,
    /// Owners whose mail was taken by the mail server.
    #[field(impersonal)]
    pub sent_to: Vec<UserId>,
    /// Owners whose mail was refused, or not taken within the last attempt.
    #[field(impersonal)]
    pub refused_to: Vec<UserId>,
    /// Reason for which mail was not taken last, without addresses.
    #[field(silent, impersonal)]
    pub failure: Option<String>,
    /// Time at which it is removed.
    #[field(silent)]
    pub expires_at: Timestamp,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last write.
    pub updated_at: Timestamp,
}

/// A notice that a tenant's owners are to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// Its subject.
    pub kind: NoticeKind,
    /// Time of what it tells.
    pub since: Timestamp,
    /// Date that it tells of.
    pub date: Timestamp,
    /// Time from which it is sent.
    pub due_at: Timestamp,
    /// Time from which it is not sent any more.
    pub expires_at: Timestamp,
}

/// Returns the notice that a tenant's owners are to get now or later. There is one at most: each state has its own.
///
/// `subscription` is the tenant's current one, or else the one for which it is suspended. `grace` is the time from the deletion
/// of a tenant to the removal of its data. A date that has passed is not told: the next state is.
#[must_use]
pub fn notice_of(
    tenant: &Tenant,
    subscription: Option<&Subscription>,
    settings: &LifecycleSettings,
    grace: Duration,
    now: Timestamp,
) -> Option<Planned> {
    let planned = match tenant.removal_at(grace) {
        Some(_) if tenant.purged_at.is_some() => return None,
        Some(erased) => at_once(NoticeKind::Deleted, erased.minus(grace), erased),
        None => of_subscription(tenant, subscription?, settings)?,
    };
    (planned.date > now && planned.expires_at > now).then_some(planned)
}

fn of_subscription(tenant: &Tenant, subscription: &Subscription, settings: &LifecycleSettings) -> Option<Planned> {
    let in_use = matches!(tenant.status.counts_as(), TenantStatus::Pending | TenantStatus::Active);
    // One that a person has suspended is not deleted for its subscription, and has nothing to pay.
    let withheld = tenant.status == TenantStatus::Suspended && tenant.suspended_for == Some(subscription.id);
    let (time, step) = next_step(subscription, settings)?;
    // The step is made when both have come: the time that was planned, and the time by the settings of now.
    let date = time.max(subscription.next_step_at?);
    let since = subscription.status_since.unwrap_or(subscription.created_at);
    match (subscription.status.counts_as(), step) {
        (SubscriptionStatus::Trialing, Step::Becomes(_)) if in_use => Some(Planned {
            kind: NoticeKind::TrialEnds,
            since: date,
            date,
            due_at: date.minus(settings.trial_notice),
            expires_at: date,
        }),
        (SubscriptionStatus::PastDue, Step::Becomes(_)) if in_use => {
            Some(at_once(NoticeKind::PaymentFailed, since, date))
        }
        (SubscriptionStatus::Suspended, Step::Becomes(_)) if withheld => {
            Some(at_once(NoticeKind::Suspended, since, date))
        }
        (SubscriptionStatus::Cancelled, Step::DeletesTenant) if withheld => {
            Some(at_once(NoticeKind::Cancelled, since, date))
        }
        _ => None,
    }
}

fn at_once(kind: NoticeKind, since: Timestamp, date: Timestamp) -> Planned {
    Planned { kind, since, date, due_at: since, expires_at: since.plus(TOLD_WITHIN).min(date) }
}

impl Planned {
    /// Returns the unique key of the notice of a tenant.
    #[must_use]
    pub fn key(&self, tenant: TenantId) -> String {
        Notice::key(tenant, self.kind, self.since)
    }

    /// Returns `true` if a stored notice of the tenant is this one.
    #[must_use]
    pub fn is(&self, notice: &Notice) -> bool {
        self.kind == notice.kind && self.since == notice.since
    }

    /// Returns the notice of a tenant.
    #[must_use]
    pub fn into_notice(self, tenant: TenantId, now: Timestamp) -> Notice {
        let Self { kind, since, date, due_at, expires_at } = self;
        Notice {
            id: NoticeId::generate(),
            version: 1,
            tenant_id: tenant,
            kind,
            since,
            date,
            status: NoticeStatus::Waiting,
            due_at,
            attempts: 0,
            sent_to: Vec::new(),
            refused_to: Vec::new(),
            failure: None,
            expires_at,
            created_at: now,
            updated_at: now,
        }
    }
}

impl Notice {
    /// Returns the unique key of an occurrence.
    #[must_use]
    pub fn key(tenant: TenantId, kind: NoticeKind, since: Timestamp) -> String {
        format!("notice:{tenant}:{}:{}", kind.name(), since.milliseconds())
    }

    fn keys(&self) -> Vec<String> {
        vec![Self::key(self.tenant_id, self.kind, self.since)]
    }

    /// Returns `true` if an owner is done with, mailed or refused.
    #[must_use]
    pub fn is_done_with(&self, owner: UserId) -> bool {
        self.sent_to.contains(&owner) || self.refused_to.contains(&owner)
    }

    /// Takes over when it is sent and what it tells.
    pub fn follow(&mut self, planned: &Planned) {
        self.status = NoticeStatus::Waiting;
        self.date = planned.date;
        self.due_at = planned.due_at;
        self.expires_at = planned.expires_at;
    }

    /// Claims it for an attempt, or for the next mail of one.
    pub fn claim(&mut self, planned: &Planned, is_new: bool, limit: Duration, now: Timestamp) {
        self.follow(planned);
        self.attempts = self.attempts.saturating_add(u32::from(is_new));
        self.due_at = now.plus(limit);
    }

    /// Notes that the mail to an owner was taken.
    pub fn sent(&mut self, owner: UserId) {
        if !self.sent_to.contains(&owner) {
            self.sent_to.push(owner);
        }
    }

    /// Notes that owners are not mailed any more, and the reason.
    pub fn refused(&mut self, owners: impl IntoIterator<Item = UserId>, reason: String) {
        for owner in owners {
            if !self.is_done_with(owner) {
                self.refused_to.push(owner);
            }
        }
        self.failure = Some(reason);
    }

    /// Notes that it waits for another attempt.
    pub fn wait(&mut self, until: Timestamp, reason: Option<String>) {
        self.due_at = until.min(self.expires_at);
        self.failure = reason.or(self.failure.take());
    }

    /// Ends it. It stays until it expires, so that it is not planned again.
    pub fn close(&mut self, status: NoticeStatus) {
        self.status = status;
        self.due_at = self.expires_at;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::domain::plan::Terms;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn at(day: i64) -> Timestamp {
        Timestamp::from_seconds(day * 86_400)
    }

    fn subscribed(status: SubscriptionStatus, tenant_status: TenantStatus) -> (Tenant, Subscription) {
        let mut tenant = Tenant::blank("acme".to_owned(), at(0));
        let mut subscription = Subscription::blank(tenant.id, at(0));
        subscription.terms = Some(Terms::DEFAULT);
        subscription.status = status.into();
        subscription.trial_ends_at = Some(at(14));
        subscription.schedule(None, &LifecycleSettings::DEFAULT, at(0));
        tenant.set_status(tenant_status);
        tenant.suspended_for = (tenant_status == TenantStatus::Suspended).then_some(subscription.id);
        (tenant, subscription)
    }

    fn told(tenant: &Tenant, subscription: &Subscription, day: i64) -> Option<(NoticeKind, Timestamp, Timestamp)> {
        let planned = notice_of(tenant, Some(subscription), &LifecycleSettings::DEFAULT, 30 * DAY, at(day))?;
        Some((planned.kind, planned.due_at, planned.date))
    }

    #[test]
    fn each_state_has_its_notice_with_the_date_of_the_next() {
        use SubscriptionStatus::{Active, Cancelled, Incomplete, PastDue, Paused, Suspended, Trialing};
        let expected = [
            (Trialing, TenantStatus::Active, Some((NoticeKind::TrialEnds, at(7), at(14)))),
            (Trialing, TenantStatus::Pending, Some((NoticeKind::TrialEnds, at(7), at(14)))),
            (PastDue, TenantStatus::Active, Some((NoticeKind::PaymentFailed, at(0), at(14)))),
            (Suspended, TenantStatus::Suspended, Some((NoticeKind::Suspended, at(0), at(30)))),
            (Cancelled, TenantStatus::Suspended, Some((NoticeKind::Cancelled, at(0), at(30)))),
            (Active, TenantStatus::Active, None),
            (Paused, TenantStatus::Active, None),
            (Incomplete, TenantStatus::Active, None),
            // Put in use by a person, whatever is paid.
            (Suspended, TenantStatus::Active, None),
            (Cancelled, TenantStatus::Active, None),
        ];
        for (status, tenant_status, notice) in expected {
            let (tenant, subscription) = subscribed(status, tenant_status);
            assert_eq!(told(&tenant, &subscription, 1), notice, "{status:?} of a tenant that is {tenant_status:?}");
        }
    }

    #[test]
    fn nothing_is_told_that_time_does_not_do() {
        let (tenant, mut subscription) = subscribed(SubscriptionStatus::Trialing, TenantStatus::Active);
        subscription.stripe_subscription_id = Some("sub_1".to_owned());
        assert_eq!(told(&tenant, &subscription, 1), None, "the provider ends the trial");
        subscription.stripe_subscription_id = None;
        subscription.terms = None;
        assert_eq!(told(&tenant, &subscription, 1), None, "nothing ends without terms");
        let (mut tenant, mut subscription) = subscribed(SubscriptionStatus::Cancelled, TenantStatus::Suspended);
        subscription.next_step_at = None;
        assert_eq!(told(&tenant, &subscription, 1), None, "its time has passed, and the deletion was undone");
        for status in SubscriptionStatus::ALL {
            let (_, of_it) = subscribed(*status, TenantStatus::Suspended);
            tenant.suspended_for = None;
            assert_eq!(told(&tenant, &of_it, 1), None, "a person has suspended it: {status:?}");
        }
    }

    #[test]
    fn a_date_is_told_before_it_and_a_step_soon_after_it() {
        let (tenant, trial) = subscribed(SubscriptionStatus::Trialing, TenantStatus::Active);
        assert!(told(&tenant, &trial, 13).is_some());
        assert_eq!(told(&tenant, &trial, 14), None);
        let (tenant, late) = subscribed(SubscriptionStatus::PastDue, TenantStatus::Active);
        assert!(told(&tenant, &late, 6).is_some());
        assert_eq!(told(&tenant, &late, 7), None);
    }

    #[test]
    fn a_deletion_is_told_with_the_time_until_which_it_can_be_undone() {
        let (mut tenant, subscription) = subscribed(SubscriptionStatus::Cancelled, TenantStatus::Suspended);
        tenant.delete(None, at(3));
        assert_eq!(told(&tenant, &subscription, 3), Some((NoticeKind::Deleted, at(3), at(33))));
        tenant.purge(at(4));
        assert_eq!(told(&tenant, &subscription, 4), None);
    }

    #[test]
    fn a_longer_grace_period_counts_as_soon_as_it_is_set_and_a_shorter_one_for_what_comes() {
        let (tenant, late) = subscribed(SubscriptionStatus::PastDue, TenantStatus::Active);
        for (days, date) in [(20, at(20)), (5, at(14))] {
            let settings = LifecycleSettings { payment_grace: DAY * days, ..LifecycleSettings::DEFAULT };
            let planned = notice_of(&tenant, Some(&late), &settings, 30 * DAY, at(1)).unwrap();
            assert_eq!(planned.date, date);
        }
    }
}
