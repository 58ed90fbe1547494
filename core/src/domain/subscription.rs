//! Subscriptions of tenants to plans.

use dezky_derive::{Choice, entity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Open, SubscriptionId, TenantId,
    fields::{choice, identifier, object_id, time, whole_number},
};
use crate::{
    callers::Callers,
    clock::Timestamp,
    store::{Guest, KeyPart, Origin, Scope},
};

/// Status of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Choice)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionStatus {
    /// The first payment has not arrived.
    Incomplete,
    /// On trial.
    Trialing,
    /// Paid.
    Active,
    /// A payment is late, within the grace period.
    PastDue,
    /// Paused by the customer.
    Paused,
    /// Stopped because of missing payment.
    #[choice(unknown)]
    Suspended,
    /// Ended permanently.
    Cancelled,
}

/// A stored subscription.
#[entity(
    /// The collection of subscriptions.
    collection SUBSCRIPTIONS = "subscriptions",
    scope = Scope::Tenant("tenantId"),
    guest = Guest::Scoped { readers: Callers::MEMBERS, keys: &["current:"] },
    keys = Self::keys,
    seen = MEMBERS,
    /// A tenant's subscriptions.
    index SUBSCRIPTIONS_OF_TENANT = of_tenant(tenant_id, created_at),
    /// Subscriptions by status.
    index SUBSCRIPTIONS_BY_STATUS = by_status(status, created_at),
    /// Subscriptions by plan.
    index SUBSCRIPTIONS_BY_PLAN = by_plan(plan, created_at),
    /// Subscriptions by age.
    index SUBSCRIPTIONS_BY_AGE = by_age(created_at),
    /// A subscription. The Stripe ids are visible to owners and to the platform.
    view SubscriptionView,
    /// A new subscription. Defaults: status `active`, one seat, and the tenant's plan.
    create CreateSubscription,
    /// Changes to a subscription.
    update UpdateSubscription,
)]
#[derive(Debug)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Its version.
    #[serde(default)]
    pub version: u64,
    /// The tenant.
    #[field(see, given, create = required(object_id))]
    pub tenant_id: TenantId,
    /// The plan.
    #[field(see, input = replace(identifier), impersonal)]
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub plan: String,
    /// Its status.
    #[field(see, input = replace(choice), initial = SubscriptionStatus::Active.into())]
    pub status: Open<SubscriptionStatus>,
    /// Number of people that it covers.
    #[field(see, input = replace(whole_number(1, 1_000_000)), initial = 1)]
    #[serde(default)]
    pub seats: u32,
    /// End of the trial.
    #[field(see, input = patch(time))]
    pub trial_ends_at: Option<Timestamp>,
    /// End of the paid period.
    #[field(see, input = patch(time))]
    pub current_period_ends_at: Option<Timestamp>,
    /// Stripe's id of the customer.
    #[field(see = OWNERS, input = patch(identifier), impersonal)]
    pub stripe_customer_id: Option<String>,
    /// Stripe's id of the subscription.
    #[field(see = OWNERS, input = patch(identifier), impersonal)]
    pub stripe_subscription_id: Option<String>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last write.
    pub updated_at: Timestamp,
}

impl Subscription {
    /// Returns the unique key of a tenant's only subscription that is not cancelled.
    #[must_use]
    pub fn current_key(tenant: TenantId) -> String {
        format!("current:{tenant}")
    }

    /// Returns the unique keys for tenants that another read finds.
    #[must_use]
    pub fn current_keys_of(tenants: Origin) -> Vec<KeyPart> {
        vec![KeyPart::Text("current:".to_owned()), KeyPart::Each(tenants)]
    }

    fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        if self.status != SubscriptionStatus::Cancelled {
            keys.push(Self::current_key(self.tenant_id));
        }
        keys.extend(self.stripe_subscription_id.iter().map(|id| format!("stripe:{id}")));
        keys
    }
}

impl CreateSubscription {
    /// Creates the subscription, with the tenant's plan unless the input has one.
    #[must_use]
    pub fn into_subscription(self, plan: &str, now: Timestamp) -> Subscription {
        let mut subscription = Subscription::blank(self.tenant_id, now);
        plan.clone_into(&mut subscription.plan);
        self.apply(&mut subscription);
        subscription
    }
}
