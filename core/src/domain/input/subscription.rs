//! What may be said of a subscription when it is created or changed.

use serde_json::Value;

use super::{Patch, Problem, Reader, present};
use crate::{
    clock::Timestamp,
    domain::{
        Subscription, SubscriptionId, SubscriptionStatus, TenantId,
        fields::{choice, identifier, object_id, time, whole_number},
    },
    error::Result,
};

/// The most seats of a subscription.
pub const MAXIMUM_SEATS: u32 = 1_000_000;

fn seats(value: &Value) -> Result<u32, Problem> {
    whole_number(value, 1, MAXIMUM_SEATS)
}

#[derive(Debug, Clone)]
struct SubscriptionFields {
    plan: Option<String>,
    status: Option<SubscriptionStatus>,
    seats: Option<u32>,
    trial_ends_at: Patch<Timestamp>,
    current_period_ends_at: Patch<Timestamp>,
    stripe_customer_id: Patch<String>,
    stripe_subscription_id: Patch<String>,
}

impl SubscriptionFields {
    fn read(reader: &mut Reader) -> Self {
        Self {
            plan: reader.replace("plan", identifier),
            status: reader.replace("status", choice),
            seats: reader.replace("seats", seats),
            trial_ends_at: reader.patch("trialEndsAt", time),
            current_period_ends_at: reader.patch("currentPeriodEndsAt", time),
            stripe_customer_id: reader.patch("stripeCustomerId", identifier),
            stripe_subscription_id: reader.patch("stripeSubscriptionId", identifier),
        }
    }

    fn apply(self, subscription: &mut Subscription) {
        if let Some(plan) = self.plan {
            subscription.plan = plan;
        }
        if let Some(status) = self.status {
            subscription.status = status.into();
        }
        if let Some(seats) = self.seats {
            subscription.seats = seats;
        }
        self.trial_ends_at.apply(&mut subscription.trial_ends_at);
        self.current_period_ends_at.apply(&mut subscription.current_period_ends_at);
        self.stripe_customer_id.apply(&mut subscription.stripe_customer_id);
        self.stripe_subscription_id.apply(&mut subscription.stripe_subscription_id);
    }
}

/// A subscription to be created.
#[derive(Debug, Clone)]
pub struct CreateSubscription {
    tenant_id: TenantId,
    fields: SubscriptionFields,
    present: Vec<&'static str>,
}

impl CreateSubscription {
    /// Reads a body. Without `status` the subscription is active, without `seats` it has one, and without `plan` it has
    /// the tenant's.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] naming each bad field.
    pub fn read(body: Value) -> Result<Self> {
        let mut reader = Reader::new(body)?;
        let tenant_id = reader.required("tenantId", object_id);
        let fields = SubscriptionFields::read(&mut reader);
        let fields_present = reader.present();
        reader.finish()?;
        Ok(Self { tenant_id: present(tenant_id)?, fields, present: fields_present })
    }

    /// The tenant that it is for.
    #[must_use]
    pub const fn tenant_id(&self) -> TenantId {
        self.tenant_id
    }

    /// Names of the fields that the body sets.
    #[must_use]
    pub fn fields(&self) -> &[&'static str] {
        &self.present
    }

    /// The new subscription, with the tenant's plan unless the body says another.
    #[must_use]
    pub fn into_subscription(self, plan: &str, now: Timestamp) -> Subscription {
        let mut subscription = Subscription {
            id: SubscriptionId::generate(),
            version: 1,
            tenant_id: self.tenant_id,
            plan: plan.to_owned(),
            status: SubscriptionStatus::Active.into(),
            seats: 1,
            trial_ends_at: None,
            current_period_ends_at: None,
            stripe_customer_id: None,
            stripe_subscription_id: None,
            created_at: now,
            updated_at: now,
        };
        self.fields.apply(&mut subscription);
        subscription
    }
}

/// Changes of a subscription, as a merge patch.
#[derive(Debug, Clone)]
pub struct UpdateSubscription {
    fields: SubscriptionFields,
    present: Vec<&'static str>,
}

impl UpdateSubscription {
    /// Reads a body.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] naming each bad field.
    pub fn read(body: Value) -> Result<Self> {
        let mut reader = Reader::new(body)?;
        let fields = SubscriptionFields::read(&mut reader);
        let present = reader.present();
        reader.finish()?;
        Ok(Self { fields, present })
    }

    /// Names of the fields that the body sets.
    #[must_use]
    pub fn fields(&self) -> &[&'static str] {
        &self.present
    }

    /// Applies the changes.
    pub fn apply(self, subscription: &mut Subscription) {
        self.fields.apply(subscription);
    }
}
