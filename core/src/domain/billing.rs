//! Billing by a payment provider: its subscriptions as they are read from it, and what it announces.
//!
//! The provider's state is authoritative for what it bills. What it announces only says that something changed: the
//! subscription is read again, so that order, repetition and delay of announcements mean nothing.

use std::time::Duration;

use dezky_derive::entity;

use super::{
    ProviderEventId, Subscription, TenantId,
    plan::{Catalogue, MOST_SEATS},
    subscription::SubscriptionStatus as Status,
};
use crate::{
    clock::Timestamp,
    error::Result,
    store::{Guest, Scope},
};

/// Status of a subscription at the provider (<https://docs.stripe.com/api/subscriptions/object#subscription_object-status>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderStatus {
    /// The first payment has not succeeded yet.
    Incomplete,
    /// The first payment did not succeed in time. Final.
    IncompleteExpired,
    /// On trial.
    Trialing,
    /// Paid.
    Active,
    /// A payment is late, and is tried again.
    PastDue,
    /// A payment is late, and is not tried again.
    Unpaid,
    /// The trial ended without a way to pay.
    Paused,
    /// Ended. Final.
    Cancelled,
    /// A status that Dezky does not know, by its name.
    Other(String),
}

impl ProviderStatus {
    /// Returns `true` if nothing follows it.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::IncompleteExpired | Self::Cancelled)
    }

    /// Returns `true` if it says nothing about what the tenant may use: not paid yet, never paid, or not known.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        matches!(self, Self::Incomplete | Self::IncompleteExpired | Self::Other(_))
    }
}

/// A subscription as the provider has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSubscription {
    /// Its id there.
    pub id: String,
    /// Id of the customer there.
    pub customer: String,
    /// Its status there.
    pub status: ProviderStatus,
    /// The tenant, as Dezky noted it there.
    pub tenant_id: Option<TenantId>,
    /// Ids of the prices of its items, with their quantities.
    pub items: Vec<(String, u32)>,
    /// End of the trial.
    pub trial_ends_at: Option<Timestamp>,
    /// End of the paid period.
    pub period_ends_at: Option<Timestamp>,
    /// Time at which it ends, because somebody has cancelled it.
    pub ends_at: Option<Timestamp>,
    /// Time at which it ended.
    pub ended_at: Option<Timestamp>,
}

/// A customer that is to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCustomer {
    /// The tenant.
    pub tenant: TenantId,
    /// Name on invoices.
    pub name: String,
    /// Address that invoices are mailed to.
    pub email: Option<String>,
}

/// A page on which a customer subscribes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCheckout {
    /// The tenant.
    pub tenant: TenantId,
    /// Slug of the tenant, to whose page it leads back.
    pub slug: String,
    /// Id of the customer.
    pub customer: String,
    /// Id of the price.
    pub price: String,
    /// Number of seats.
    pub seats: u32,
    /// Time until which nothing is charged.
    pub free_until: Option<Timestamp>,
}

/// A subscription that is to be created without its customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSubscription {
    /// Its plan, its seats and its customer.
    pub checkout: NewCheckout,
    /// Beginning of the key under which the same request creates nothing again.
    pub idempotency_key: String,
}

/// A page of the provider's subscriptions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProviderPage {
    /// Those of this page.
    pub subscriptions: Vec<ProviderSubscription>,
    /// Id after which the next page begins; `None` on the last one.
    pub next: Option<String>,
}

/// Result of a comparison with the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// The subscription is as the provider has it.
    Followed,
    /// The provider goes on billing what is cancelled here: it is to be cancelled there.
    EndsThere,
}

impl ProviderSubscription {
    /// Returns the item that decides about plan and seats: the first of a known price, or else the first.
    fn item(&self, catalogue: &Catalogue) -> Option<(Option<String>, u32)> {
        let known = |(price, quantity): &(String, u32)| {
            catalogue.plan_of_price(price).map(|plan| (Some(plan.to_owned()), *quantity))
        };
        self.items.iter().find_map(known).or_else(|| self.items.first().map(|(_, quantity)| (None, *quantity)))
    }
}

impl Subscription {
    /// Makes the subscription what the provider has: status, plan, seats and dates.
    ///
    /// The result depends on the two states only, not on the way to them. What is cancelled here stays so, and a suspension
    /// because of a late payment stays until it is paid. A status that says nothing changes nothing but the ids.
    ///
    /// # Errors
    /// When the catalogue cannot give the terms of the plan.
    pub fn follow_provider(
        &mut self,
        provider: &ProviderSubscription,
        catalogue: &Catalogue,
        now: Timestamp,
    ) -> Result<Compared> {
        if self.status == Status::Cancelled {
            let ends = !provider.status.is_final();
            return Ok(if ends { Compared::EndsThere } else { Compared::Followed });
        }
        self.stripe_customer_id = Some(provider.customer.clone());
        if provider.status == ProviderStatus::IncompleteExpired {
            // Never paid: the subscription goes on without the provider, as if it had not been asked.
            self.stripe_subscription_id = None;
            return Ok(Compared::Followed);
        }
        self.stripe_subscription_id = Some(provider.id.clone());
        if provider.status.is_silent() {
            return Ok(Compared::Followed);
        }
        if let Some((plan, quantity)) = provider.item(catalogue) {
            if let Some(plan) = plan.filter(|plan| *plan != self.plan || self.terms.is_none()) {
                self.plan = plan;
                self.agree(false, catalogue, now)?;
            }
            self.seats = quantity.clamp(1, MOST_SEATS);
        }
        self.trial_ends_at = provider.trial_ends_at;
        self.current_period_ends_at = provider.period_ends_at;
        self.ends_at = provider.ends_at;
        if let Some(status) = status_of(&provider.status, self.status.counts_as()) {
            self.status = status.into();
        }
        Ok(Compared::Followed)
    }
}

/// Returns the status that a subscription gets, beside the one it has.
fn status_of(provider: &ProviderStatus, own: Status) -> Option<Status> {
    Some(match provider {
        ProviderStatus::Trialing => Status::Trialing,
        ProviderStatus::Active => Status::Active,
        // The grace period is Dezky's: it is over, however often the provider tries again.
        ProviderStatus::PastDue if own == Status::Suspended => Status::Suspended,
        ProviderStatus::PastDue => Status::PastDue,
        ProviderStatus::Unpaid => Status::Suspended,
        ProviderStatus::Paused => Status::Paused,
        ProviderStatus::Cancelled => Status::Cancelled,
        ProviderStatus::Incomplete | ProviderStatus::IncompleteExpired | ProviderStatus::Other(_) => return None,
    })
}

/// Time for which an event that was dealt with is remembered, so that its repetition is recognized.
///
/// Stripe repeats an event for three days, and its signature is good for five minutes.
pub const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Longest identifier of the provider that is kept, in bytes.
pub const LONGEST_PROVIDER_ID: usize = 255;

/// Something that the provider, or Dezky itself, announces about billing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Its id, by which a repetition is recognized.
    pub id: String,
    /// Its kind, such as `invoice.paid`.
    pub kind: String,
    /// Id of the subscription at the provider that it concerns.
    pub subscription: Option<String>,
    /// Id of the customer there.
    pub customer: Option<String>,
}

/// A stored announcement: what it concerns is to be read from the provider.
#[entity(
    /// The collection of events of the payment provider.
    collection PROVIDER_EVENTS = "provider_events",
    scope = Scope::Platform,
    guest = Guest::Closed,
    keys = Self::keys,
    /// Events by the time of their next step.
    index PROVIDER_EVENTS_BY_DUE = by_due(due_at),
)]
#[derive(Debug)]
pub struct ProviderEvent {
    /// Its id.
    pub id: ProviderEventId,
    /// Its version.
    pub version: u64,
    /// Id of the announcement.
    #[field(impersonal)]
    pub announcement: String,
    /// Its kind.
    #[field(impersonal)]
    pub kind: String,
    /// Id of the subscription at the provider.
    #[field(impersonal)]
    pub subscription: Option<String>,
    /// Id of the customer there.
    #[field(impersonal)]
    pub customer: Option<String>,
    /// `true` once its effect is stored, or nothing could come of it.
    pub settled: bool,
    /// Time of the next step: to deal with it, or to forget it once it is settled.
    pub due_at: Timestamp,
    /// Number of attempts to deal with it.
    pub attempts: u32,
    /// Reason for which it waits, or for which nothing came of it.
    #[field(impersonal)]
    pub failure: Option<String>,
    /// Time of its arrival.
    pub created_at: Timestamp,
    /// Time of the last write.
    pub updated_at: Timestamp,
}

impl ProviderEvent {
    /// Creates the event of an announcement, due at once.
    #[must_use]
    pub fn new(announcement: Announcement, now: Timestamp) -> Self {
        let Announcement { id, kind, subscription, customer } = announcement;
        Self {
            id: ProviderEventId::generate(),
            version: 1,
            announcement: id,
            kind,
            subscription,
            customer,
            settled: false,
            due_at: now,
            attempts: 0,
            failure: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Returns the unique key of an announcement.
    #[must_use]
    pub fn key(announcement: &str) -> String {
        format!("billing:{announcement}")
    }

    fn keys(&self) -> Vec<String> {
        vec![Self::key(&self.announcement)]
    }

    /// Notes that it was dealt with, and why nothing came of it if nothing did.
    pub fn settle(&mut self, failure: Option<String>, now: Timestamp) {
        self.settled = true;
        self.failure = failure;
        self.due_at = now.plus(REMEMBERED);
    }

    /// Puts it off.
    pub fn wait(&mut self, until: Timestamp, failure: String) {
        self.attempts = self.attempts.saturating_add(1);
        self.due_at = until;
        self.failure = Some(failure);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;
    use crate::domain::Choice as _;

    fn catalogue() -> Catalogue {
        let plans = r#"{"team": {"seats": 5, "files_gib": 100, "mailbox_gib": 10, "prices": ["price_team"]},
                        "firm": {"seats": 50, "files_gib": 900, "mailbox_gib": 50, "prices": ["price_firm"]}}"#;
        Catalogue::new(serde_json::from_str(plans).unwrap()).unwrap()
    }

    fn own(status: Status) -> Subscription {
        let mut own = Subscription::blank(TenantId::generate(), Timestamp::from_seconds(0));
        own.status = status.into();
        own.plan = "team".to_owned();
        own
    }

    fn theirs(status: ProviderStatus) -> ProviderSubscription {
        ProviderSubscription {
            id: "sub_1".to_owned(),
            customer: "cus_1".to_owned(),
            status,
            tenant_id: None,
            items: vec![("price_addon".to_owned(), 2), ("price_firm".to_owned(), 7)],
            trial_ends_at: None,
            period_ends_at: Some(Timestamp::from_seconds(9_000)),
            ends_at: None,
            ended_at: None,
        }
    }

    const ALL: [ProviderStatus; 8] = [
        ProviderStatus::Incomplete,
        ProviderStatus::IncompleteExpired,
        ProviderStatus::Trialing,
        ProviderStatus::Active,
        ProviderStatus::PastDue,
        ProviderStatus::Unpaid,
        ProviderStatus::Paused,
        ProviderStatus::Cancelled,
    ];

    #[test]
    fn each_status_of_the_provider_has_one_here() {
        for (theirs_is, ours_is) in [
            (ProviderStatus::Trialing, Status::Trialing),
            (ProviderStatus::Active, Status::Active),
            (ProviderStatus::PastDue, Status::PastDue),
            (ProviderStatus::Unpaid, Status::Suspended),
            (ProviderStatus::Paused, Status::Paused),
            (ProviderStatus::Cancelled, Status::Cancelled),
        ] {
            let mut own = own(Status::Active);
            let compared = own.follow_provider(&theirs(theirs_is), &catalogue(), Timestamp::from_seconds(1)).unwrap();
            assert_eq!((own.status.counts_as(), compared), (ours_is, Compared::Followed));
            assert_eq!((own.plan.as_str(), own.seats), ("firm", 7), "the item of a known price decides");
            assert_eq!(own.current_period_ends_at, Some(Timestamp::from_seconds(9_000)));
            assert_eq!(own.stripe_subscription_id.as_deref(), Some("sub_1"));
        }
    }

    #[test]
    fn what_says_nothing_changes_nothing() {
        for status in [ProviderStatus::Incomplete, ProviderStatus::Other("dormant".to_owned())] {
            let mut own = own(Status::Trialing);
            own.follow_provider(&theirs(status), &catalogue(), Timestamp::from_seconds(1)).unwrap();
            assert_eq!((own.status.counts_as(), own.plan.as_str(), own.seats), (Status::Trialing, "team", 1));
            assert_eq!(own.stripe_subscription_id.as_deref(), Some("sub_1"));
        }
        let mut own = own(Status::Trialing);
        own.stripe_subscription_id = Some("sub_1".to_owned());
        own.follow_provider(&theirs(ProviderStatus::IncompleteExpired), &catalogue(), Timestamp::from_seconds(1))
            .unwrap();
        assert_eq!((own.status.counts_as(), own.stripe_subscription_id), (Status::Trialing, None));
    }

    #[test]
    fn the_end_here_and_the_end_of_grace_stay() {
        for status in ALL {
            let ends = !status.is_final();
            let mut own = own(Status::Cancelled);
            let before = own.clone();
            let compared = own.follow_provider(&theirs(status), &catalogue(), Timestamp::from_seconds(1)).unwrap();
            assert_eq!((own, compared == Compared::EndsThere), (before, ends));
        }
        let mut late = own(Status::Suspended);
        late.follow_provider(&theirs(ProviderStatus::PastDue), &catalogue(), Timestamp::from_seconds(1)).unwrap();
        assert_eq!(late.status.counts_as(), Status::Suspended);
        late.follow_provider(&theirs(ProviderStatus::Active), &catalogue(), Timestamp::from_seconds(2)).unwrap();
        assert_eq!(late.status.counts_as(), Status::Active);
    }

    #[test]
    fn the_result_is_that_of_the_last_state_whatever_was_seen_before() {
        for last in ALL.into_iter().filter(|status| !status.is_silent()) {
            let expected = {
                let mut own = own(Status::Active);
                own.follow_provider(&theirs(last.clone()), &catalogue(), Timestamp::from_seconds(9)).unwrap();
                own
            };
            for seen in ALL.into_iter().filter(|status| !status.is_final()) {
                // The grace period of one late payment may end, but not between two looks at the same time.
                if matches!((&seen, &last), (ProviderStatus::Unpaid, ProviderStatus::PastDue)) {
                    continue;
                }
                let mut own = Subscription { id: expected.id, tenant_id: expected.tenant_id, ..own(Status::Active) };
                for status in [seen, last.clone()] {
                    own.follow_provider(&theirs(status), &catalogue(), Timestamp::from_seconds(9)).unwrap();
                }
                assert_eq!(own, expected);
            }
        }
        assert!(Status::ALL.len() == 7, "a new status here needs its place in the table above");
    }
}
