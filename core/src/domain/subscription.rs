//! Subscriptions: what a tenant pays for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Choice, ObjectId, Open, SubscriptionId, TenantId};
use crate::{
    clock::Timestamp,
    store::{Collection, Entity, Field, FieldType, Index, KeyPart, Origin, Scope},
};

/// State of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionStatus {
    /// The first payment has not arrived.
    Incomplete,
    /// On trial.
    Trialing,
    /// Paid.
    Active,
    /// A payment is late; within grace.
    PastDue,
    /// Put aside by the customer.
    Paused,
    /// Stopped for want of payment.
    Suspended,
    /// Ended for good.
    Cancelled,
}

impl Choice for SubscriptionStatus {
    const ALL: &'static [Self] = &[
        Self::Incomplete,
        Self::Trialing,
        Self::Active,
        Self::PastDue,
        Self::Paused,
        Self::Suspended,
        Self::Cancelled,
    ];
    const UNKNOWN: Self = Self::Suspended;

    fn name(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Paused => "paused",
            Self::Suspended => "suspended",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A subscription as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Its version.
    #[serde(default)]
    pub version: u64,
    /// The tenant.
    pub tenant_id: TenantId,
    /// What is paid for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub plan: String,
    /// Its state.
    pub status: Open<SubscriptionStatus>,
    /// How many people it is for.
    #[serde(default)]
    pub seats: u32,
    /// When the trial ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_ends_at: Option<Timestamp>,
    /// When the paid period ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_period_ends_at: Option<Timestamp>,
    /// The customer at Stripe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe_customer_id: Option<String>,
    /// The subscription at Stripe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe_subscription_id: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
}

impl Subscription {
    /// The unique key of a tenant's one subscription that is not cancelled.
    #[must_use]
    pub fn current_key(tenant: TenantId) -> String {
        format!("current:{tenant}")
    }

    /// The same of tenants that another read finds.
    #[must_use]
    pub fn current_keys_of(tenants: Origin) -> Vec<KeyPart> {
        vec![KeyPart::Text("current:".to_owned()), KeyPart::Each(tenants)]
    }
}

/// A tenant's subscriptions.
pub const SUBSCRIPTIONS_OF_TENANT: Index = Index { name: "of_tenant", fields: &["tenantId", "createdAt"] };

/// Subscriptions by state.
pub const SUBSCRIPTIONS_BY_STATUS: Index = Index { name: "by_status", fields: &["status", "createdAt"] };

/// Subscriptions by plan.
pub const SUBSCRIPTIONS_BY_PLAN: Index = Index { name: "by_plan", fields: &["plan", "createdAt"] };

/// Subscriptions by age.
pub const SUBSCRIPTIONS_BY_AGE: Index = Index { name: "by_age", fields: &["createdAt"] };

/// The collection of subscriptions.
pub static SUBSCRIPTIONS: Collection = Collection {
    name: "subscriptions",
    fields: &[
        Field::new("version", FieldType::Integer),
        Field::new("tenantId", FieldType::Id),
        Field::new("plan", FieldType::Text),
        Field::new("status", FieldType::Text),
        Field::new("seats", FieldType::Integer),
        Field::new("trialEndsAt", FieldType::Time),
        Field::new("currentPeriodEndsAt", FieldType::Time),
        Field::new("stripeCustomerId", FieldType::Text),
        Field::new("stripeSubscriptionId", FieldType::Text),
        Field::new("createdAt", FieldType::Time),
        Field::new("updatedAt", FieldType::Time),
    ],
    indexes: &[SUBSCRIPTIONS_OF_TENANT, SUBSCRIPTIONS_BY_STATUS, SUBSCRIPTIONS_BY_PLAN, SUBSCRIPTIONS_BY_AGE],
    scope: Scope::Tenant("tenantId"),
};

impl Entity for Subscription {
    const COLLECTION: &'static Collection = &SUBSCRIPTIONS;

    fn id(&self) -> ObjectId {
        self.id.0
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn unique_keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        if self.status != SubscriptionStatus::Cancelled {
            keys.push(Self::current_key(self.tenant_id));
        }
        keys.extend(self.stripe_subscription_id.iter().map(|id| format!("stripe:{id}")));
        keys
    }
}
