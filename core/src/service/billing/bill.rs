//! Has the payment provider bill a subscription that exists here.

use serde_json::Value;

use super::known_customer;
use crate::{
    authz::Action,
    domain::{
        Subscription, SubscriptionId, SubscriptionStatus, Tenant,
        billing::{NewCheckout, NewSubscription},
        fields::identifier,
    },
    error::{Code, Error, Result},
    service::{
        Call, Service,
        effect::ELSEWHERE,
        moment::Moment,
        subscriptions::{KIND, subject},
        unit_of_work::UnitOfWork,
        views::SubscriptionView,
    },
};

/// Request to the provider, with everything that it needs.
struct Wanted {
    tenant: Tenant,
    subscription: Subscription,
    price: String,
}

/// Reads the body of a bill: perhaps a `price`.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] naming each invalid field.
pub fn read_price(body: Value) -> Result<Option<String>> {
    let mut reader = crate::domain::Reader::new(body)?;
    let price = reader.optional("price", identifier);
    reader.finish()?;
    Ok(price)
}

impl Service {
    /// Has the payment provider bill a subscription, by invoices that it mails. Platform only.
    ///
    /// It is created there for the plan and the seats that it has here, once: a repetition after a failure finds it.
    ///
    /// # Errors
    /// `not_found`, `platform_admin_required`, `billing_not_configured`, `subscription_cancelled`, `already_billed`,
    /// `plan_without_price`, `billing_refused`, `invalid_fields`, or `upstream_unavailable` while the provider does not answer.
    pub async fn bill_subscription(
        &self,
        call: &Call,
        id: SubscriptionId,
        price: Option<String>,
    ) -> Result<SubscriptionView> {
        let Wanted { tenant, subscription, price } = self.prepare_bill(call, id, price.as_deref()).await?;
        let known = known_customer(&tenant, Some(&subscription));
        let customer = self.customer_of(call, &tenant, known).await?;
        let free_until = subscription.trial_ends_at.filter(|_| subscription.status == SubscriptionStatus::Trialing);
        let seats = subscription.seats;
        let idempotency_key = format!("dezky-subscription-{id}");
        let checkout = NewCheckout { tenant: tenant.id, slug: tenant.slug, customer, price, seats, free_until };
        let created = self.billing()?.subscribe(&call.context, &NewSubscription { checkout, idempotency_key }).await?;
        self.follow_provider_now(&created.id).await?;
        self.settle(call, |moment| self.note_bill(call, moment, id)).await
    }

    /// Notes who has had it billed, and the customer with the tenant.
    async fn note_bill(&self, call: &Call, moment: Moment, id: SubscriptionId) -> Result<SubscriptionView> {
        let (access, billed) = self.subscription_access(call, id, Action::BillSubscription, &[]).await?;
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        // The customer stays that of the tenant, also once this subscription has ended.
        let tenant = access.authorize(Action::BillSubscription)?;
        let mut as_customer = tenant.clone();
        as_customer.stripe_customer_id.clone_from(&billed.stripe_customer_id);
        work.update(Action::BillSubscription, "tenant", subject(&billed), tenant, &mut as_customer)?;
        work.note(Action::BillSubscription.name(), KIND, billed.id.0, subject(&billed), Vec::new())?;
        access.guard(&mut work);
        self.carry_out(work).await?;
        Ok(SubscriptionView::new(billed, access.role(), access.caller.is_platform()))
    }

    async fn prepare_bill(&self, call: &Call, id: SubscriptionId, price: Option<&str>) -> Result<Wanted> {
        let (access, subscription) = self.subscription_access(call, id, Action::BillSubscription, &[]).await?;
        // A component reaches no payment provider: its host carries the request out.
        self.leave_to_effect(call).await?;
        if ELSEWHERE {
            return Err(Error::internal("a component asks no payment provider, and nobody carries the request out"));
        }
        self.billing()?;
        let tenant = access.authorize(Action::BillSubscription)?.clone();
        if subscription.status == SubscriptionStatus::Cancelled {
            let message = "a cancelled subscription is not billed: create a new one";
            return Err(Error::new(Code::SUBSCRIPTION_CANCELLED, message));
        }
        if let Some(billed) = &subscription.stripe_subscription_id {
            let message = format!("the payment provider bills it already, as `{billed}`");
            return Err(Error::new(Code::ALREADY_BILLED, message));
        }
        let plan = if subscription.plan.is_empty() { &tenant.plan } else { &subscription.plan };
        let (price, _) = self.price_of(plan, price)?;
        Ok(Wanted { tenant, subscription, price })
    }
}
