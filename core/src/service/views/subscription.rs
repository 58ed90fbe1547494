//! Subscriptions as callers see them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    clock::Timestamp,
    domain::{MembershipRole, Open, Subscription, SubscriptionId, SubscriptionStatus, TenantId},
};

/// A subscription. The Stripe ids are shown to owners and to the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionView {
    /// Its id.
    #[schema(value_type = String, pattern = "^[0-9a-f]{24}$")]
    pub id: SubscriptionId,
    /// Its version.
    pub version: u64,
    /// The tenant.
    #[schema(value_type = String)]
    pub tenant_id: TenantId,
    /// What is paid for.
    pub plan: String,
    /// Its state.
    #[schema(schema_with = crate::domain::open::schema::<SubscriptionStatus>)]
    pub status: Open<SubscriptionStatus>,
    /// How many people it is for.
    pub seats: u32,
    /// When the trial ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub trial_ends_at: Option<Timestamp>,
    /// When the paid period ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub current_period_ends_at: Option<Timestamp>,
    /// The customer at Stripe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe_customer_id: Option<String>,
    /// The subscription at Stripe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe_subscription_id: Option<String>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last written.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl SubscriptionView {
    /// What a caller with this role sees; `platform` sees everything.
    pub(crate) fn new(subscription: Subscription, role: Option<MembershipRole>, platform: bool) -> Self {
        let inner = platform || role == Some(MembershipRole::Owner);
        Self {
            id: subscription.id,
            version: subscription.version,
            tenant_id: subscription.tenant_id,
            plan: subscription.plan,
            status: subscription.status,
            seats: subscription.seats,
            trial_ends_at: subscription.trial_ends_at,
            current_period_ends_at: subscription.current_period_ends_at,
            stripe_customer_id: subscription.stripe_customer_id.filter(|_| inner),
            stripe_subscription_id: subscription.stripe_subscription_id.filter(|_| inner),
            created_at: subscription.created_at,
            updated_at: subscription.updated_at,
        }
    }
}
