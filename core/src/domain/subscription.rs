//! Subscriptions of tenants to plans.

use std::time::Duration;

use dezky_derive::{Choice, entity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Open, Patch, SubscriptionId, TenantId,
    fields::{choice, identifier, object_id, time, whole_number},
    lifecycle::{LifecycleSettings, next_step},
    plan::{Catalogue, Plan, Terms},
};
use crate::{
    callers::Callers,
    clock::Timestamp,
    error::{Error, FieldCode, FieldError, Result},
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
    /// Subscriptions by the time at which time changes them.
    index SUBSCRIPTIONS_BY_STEP = by_step(next_step_at),
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
    /// Time since which it has its status.
    #[field(see, silent)]
    pub status_since: Option<Timestamp>,
    /// Time at which time changes it next.
    #[field(read = MEMBERS, silent)]
    pub next_step_at: Option<Timestamp>,
    /// Number of people that it covers.
    #[field(see, input = replace(whole_number(1, 1_000_000)), initial = 1)]
    #[serde(default)]
    pub seats: u32,
    /// Its terms; absent for one to a plan that was not in the catalogue.
    #[field(see, impersonal)]
    pub terms: Option<Terms>,
    /// End of the trial.
    #[field(see, input = patch(time))]
    pub trial_ends_at: Option<Timestamp>,
    /// End of the paid period.
    #[field(see, input = patch(time))]
    pub current_period_ends_at: Option<Timestamp>,
    /// Time at which it ends, because it was cancelled at the payment provider.
    #[field(see)]
    pub ends_at: Option<Timestamp>,
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
    /// Notes the time of a change of status, and plans what time does next.
    pub fn schedule(&mut self, before: Option<&Self>, settings: &LifecycleSettings, now: Timestamp) {
        if before.is_none_or(|before| before.status != self.status) {
            self.status_since = Some(now);
        }
        self.next_step_at = next_step(self, settings).map(|(time, _)| time);
    }

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

    /// Returns the unique key of the subscription with this id at the payment provider.
    #[must_use]
    pub fn provider_key(id: &str) -> String {
        format!("stripe:{id}")
    }

    fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        if self.status != SubscriptionStatus::Cancelled {
            keys.push(Self::current_key(self.tenant_id));
        }
        keys.extend(self.stripe_subscription_id.iter().map(|id| Self::provider_key(id)));
        keys
    }
}

impl CreateSubscription {
    /// Creates the subscription, with the tenant's plan unless the input has one.
    ///
    /// # Errors
    /// `invalid_fields` with `unknown_plan` for a plan that the catalogue does not have.
    pub fn into_subscription(self, plan: &str, catalogue: &Catalogue, now: Timestamp) -> Result<Subscription> {
        let mut subscription = Subscription::blank(self.tenant_id, now);
        let on_trial = self.status.is_none() && matches!(self.trial_ends_at, Patch::Keep);
        plan.clone_into(&mut subscription.plan);
        let seats = self.seats;
        self.apply(&mut subscription);
        if let Some(plan) = subscription.agree(seats.is_none(), catalogue, now)?
            && on_trial
            && plan.trial_days > 0
        {
            subscription.status = SubscriptionStatus::Trialing.into();
            subscription.trial_ends_at = Some(now.plus(Duration::from_secs(u64::from(plan.trial_days) * 86_400)));
        }
        Ok(subscription)
    }
}

impl UpdateSubscription {
    /// Changes the subscription. A change of plan agrees on its terms as they are now.
    ///
    /// # Errors
    /// `invalid_fields` with `unknown_plan` for a plan that the catalogue does not have.
    pub fn change(self, subscription: &mut Subscription, catalogue: &Catalogue, now: Timestamp) -> Result<()> {
        let (names_plan, names_seats) = (self.plan.is_some(), self.seats.is_some());
        let changes_plan = self.plan.as_ref().is_some_and(|plan| *plan != subscription.plan);
        self.apply(subscription);
        // To name the plan that it has already agrees on its present terms, for one from before the catalogue too.
        if names_plan {
            subscription.agree(changes_plan && !names_seats, catalogue, now)?;
        }
        Ok(())
    }
}

impl Subscription {
    /// Copies the terms of its plan from the catalogue. Returns the plan, if there is a catalogue.
    pub(super) fn agree<'a>(
        &mut self,
        with_seats: bool,
        catalogue: &'a Catalogue,
        now: Timestamp,
    ) -> Result<Option<&'a Plan>> {
        if catalogue.is_empty() && self.terms.is_none() {
            return Ok(None);
        }
        if catalogue.is_empty() {
            // Terms are never dropped by a process that was started without the plans.
            let message =
                "this process knows no plans, and the subscription has terms: configure the catalogue of plans";
            return Err(Error::invalid(vec![FieldError::new("plan", FieldCode::UNKNOWN_PLAN, message)]));
        }
        let Some(plan) = catalogue.plan(&self.plan) else {
            let names = catalogue.names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let message = format!("there is no plan of this name: use one of {names}");
            return Err(Error::invalid(vec![FieldError::new("plan", FieldCode::UNKNOWN_PLAN, message)]));
        };
        self.terms = Some(plan.terms(now));
        if with_seats {
            self.seats = plan.seats;
        }
        Ok(Some(plan))
    }
}
