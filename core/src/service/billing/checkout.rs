//! Begins a checkout: the page on which an owner subscribes to a plan.

use std::time::Duration;

use serde_json::Value;

use super::{BillingLink, known_customer};
use crate::{
    authz::{Action, TargetFacts},
    clock::Timestamp,
    domain::{
        Subscription, SubscriptionStatus, Tenant,
        billing::{NewCheckout, NewCustomer},
        fields::{identifier, whole_number},
        plan::MOST_SEATS,
    },
    error::{Code, Error, FieldCode, FieldError, Result},
    service::{
        Call, Service,
        access::{TenantAccess, TenantReference},
        effect::ELSEWHERE,
        idempotency::{Begun, Replayable},
        moment::Moment,
        unit_of_work::{Subject, UnitOfWork},
    },
    store::Repository as _,
};

/// Least time between the checkout and the first charge, where there is to be any (Stripe, Checkout: `trial_end`).
const LEAST_FREE: Duration = Duration::from_secs(49 * 60 * 60);

/// A plan that an owner subscribes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// Name of the plan.
    pub plan: String,
    /// Id of its price; needed if it has several.
    pub price: Option<String>,
    /// Number of seats. Default: those of the subscription, or else of the plan.
    pub seats: Option<u32>,
}

impl Checkout {
    /// Reads a body: `plan`, and perhaps `price` and `seats`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] naming each invalid field.
    pub fn read(body: Value) -> Result<Self> {
        let mut reader = crate::domain::Reader::new(body)?;
        let plan = reader.required("plan", identifier);
        let price = reader.optional("price", identifier);
        let seats = reader.optional("seats", |value| whole_number(value, 1, MOST_SEATS));
        reader.finish()?;
        let plan = plan.ok_or_else(|| Error::internal("a plan that is required was not read"))?;
        Ok(Self { plan, price, seats })
    }
}

/// A checkout that has begun.
enum Begins {
    Before(Replayable<BillingLink>),
    New(Box<Wanted>),
}

/// Request to the provider, with everything that it needs.
struct Wanted {
    tenant: Tenant,
    customer: Option<String>,
    price: String,
    seats: u32,
    free_until: Option<Timestamp>,
}

impl Service {
    /// Creates the page of the payment provider on which an owner subscribes the tenant to a plan.
    ///
    /// The subscription follows once the provider announces it. A trial that runs is not charged before its end.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `billing_not_configured`, `already_billed`, `plan_without_price`,
    /// `billing_refused`, `invalid_fields`, or `upstream_unavailable` while the provider does not answer.
    pub async fn begin_checkout(
        &self,
        call: &Call,
        reference: &TenantReference,
        input: Checkout,
    ) -> Result<Replayable<BillingLink>> {
        let begun = self.settle(call, |moment| self.prepare_checkout(call, moment, reference, &input)).await?;
        let wanted = match begun {
            Begins::Before(answer) => return Ok(answer),
            Begins::New(wanted) => *wanted,
        };
        let customer = self.customer_of(call, &wanted.tenant, wanted.customer).await?;
        let Wanted { tenant, price, seats, free_until, .. } = wanted;
        let new = NewCheckout { tenant: tenant.id, slug: tenant.slug, customer, price, seats, free_until };
        let url = self.billing()?.checkout(&call.context, &new).await?;
        let link = BillingLink { url };
        self.settle(call, |moment| self.note_link(call, moment, reference, Action::BeginCheckout, &new.customer, &link))
            .await
    }

    async fn prepare_checkout(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        input: &Checkout,
    ) -> Result<Begins> {
        let access = self.tenant_access(call, reference).await?;
        let tenant = access.authorize(Action::BeginCheckout)?.clone();
        if let Begun::Before(answer) = self.begin(call, &moment).await? {
            return Ok(Begins::Before(answer));
        }
        // A component reaches no payment provider: its host carries the request out.
        self.leave_to_effect(call).await?;
        if ELSEWHERE {
            return Err(Error::internal("a component asks no payment provider, and nobody carries the request out"));
        }
        self.billing()?;
        let current: Option<Subscription> =
            self.store.load_unique(&call.context, Subscription::current_key(tenant.id)).await?;
        if let Some(billed) = current.as_ref().and_then(|current| current.stripe_subscription_id.as_ref()) {
            let message = format!(
                "the payment provider has the subscription already, as `{billed}`: change it in the customer portal"
            );
            return Err(Error::new(Code::ALREADY_BILLED, message));
        }
        let (price, of_plan) = self.price_of(&input.plan, input.price.as_deref())?;
        let seats = input.seats.or(current.as_ref().map(|current| current.seats)).unwrap_or(of_plan);
        let least = moment.now().plus(LEAST_FREE);
        let on_trial = current.as_ref().filter(|current| current.status == SubscriptionStatus::Trialing);
        let free_until = on_trial.and_then(|current| current.trial_ends_at).filter(|end| *end > least);
        let customer = known_customer(&tenant, current.as_ref());
        Ok(Begins::New(Box::new(Wanted { tenant, customer, price, seats, free_until })))
    }

    /// Returns the price to ask for, and the seats of its plan.
    pub(super) fn price_of(&self, plan: &str, price: Option<&str>) -> Result<(String, u32)> {
        let catalogue = &self.settings.plans;
        let Some(found) = catalogue.plan(plan) else {
            let names = catalogue.names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let message = format!("there is no plan of this name: use one of {names}");
            return Err(Error::invalid(vec![FieldError::new("plan", FieldCode::UNKNOWN_PLAN, message)]));
        };
        let named = || found.prices.iter().map(|price| format!("`{price}`")).collect::<Vec<_>>().join(", ");
        let mut prices = found.prices.iter();
        let chosen = match (price, prices.next(), prices.next()) {
            (_, None, _) => {
                let message = format!("the plan `{plan}` has no price at the payment provider: choose another plan");
                return Err(Error::new(Code::PLAN_WITHOUT_PRICE, message));
            }
            (Some(price), Some(_), _) if found.prices.contains(price) => price.to_owned(),
            (None, Some(only), None) => only.clone(),
            (Some(_), Some(_), _) | (None, Some(_), Some(_)) => {
                let message = format!("choose one of the prices of the plan: {}", named());
                return Err(Error::invalid(vec![FieldError::new("price", FieldCode::UNKNOWN_PRICE, message)]));
            }
        };
        Ok((chosen, found.seats))
    }

    /// Returns the tenant's customer at the provider, and creates it there if there is none.
    ///
    /// A creation that breaks off leaves one customer: the provider knows its repetition.
    pub(super) async fn customer_of(&self, call: &Call, tenant: &Tenant, known: Option<String>) -> Result<String> {
        if let Some(known) = known {
            return Ok(known);
        }
        let billing = tenant.billing_info.clone().unwrap_or_default();
        let name = billing.company.unwrap_or_else(|| tenant.name.clone());
        let new = NewCustomer { tenant: tenant.id, name, email: billing.email };
        self.billing()?.create_customer(&call.context, &new).await
    }

    /// Notes the customer with the tenant, and who was given a link.
    pub(super) async fn note_link(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        action: Action,
        customer: &str,
        link: &BillingLink,
    ) -> Result<Replayable<BillingLink>> {
        let access: TenantAccess = self.tenant_access(call, reference).await?;
        let before = access.authorize_with(action, TargetFacts::default(), &[])?;
        let slot = match self.begin(call, &moment).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::New(slot) => slot,
        };
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        let about = Subject { tenant: Some(before.id), user: None };
        let mut after = before.clone();
        after.stripe_customer_id = Some(customer.to_owned());
        if !work.update(action, "tenant", about.clone(), before, &mut after)? {
            work.note(action.name(), "tenant", before.id.0, about, Vec::new())?;
        }
        access.guard(&mut work);
        slot.keep(&mut work, 200, link)?;
        self.carry_out(work).await?;
        Ok(Replayable::new(link.clone()))
    }
}
