//! Creates a subscription.

use super::{KIND, lifecycle::follow, subject};
use crate::{
    authz::{Action, TargetFacts},
    domain::CreateSubscription,
    error::Result,
    service::{
        Call, Service,
        access::TenantReference,
        idempotency::{Begun, Replayable},
        moment::Moment,
        unit_of_work::UnitOfWork,
        views::SubscriptionView,
    },
};

impl Service {
    /// Creates a subscription. Platform only. A tenant has at most one that is not cancelled.
    ///
    /// # Errors
    /// `not_found` when there is no such tenant, `subscription_exists`, `tenant_deleted` or `invalid_fields`.
    pub async fn create_subscription(
        &self,
        call: &Call,
        input: CreateSubscription,
    ) -> Result<Replayable<SubscriptionView>> {
        self.settle(call, |moment| self.try_create_subscription(call, moment, input.clone())).await
    }

    async fn try_create_subscription(
        &self,
        call: &Call,
        moment: Moment,
        input: CreateSubscription,
    ) -> Result<Replayable<SubscriptionView>> {
        let access = self.tenant_access(call, &TenantReference::Id(input.tenant_id)).await?;
        let tenant = access.authorize_with(Action::CreateSubscription, TargetFacts::default(), &input.fields())?;
        let slot = match self.begin(call, &moment).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::New(slot) => slot,
        };
        let now = moment.now();
        let mut subscription = input.into_subscription(&tenant.plan, &self.settings.plans, now)?;
        subscription.schedule(None, &self.settings.lifecycle, now);
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        work.insert(Action::CreateSubscription, KIND, subject(&subscription), &subscription)?;
        follow(&mut work, tenant, &subscription)?;
        access.guard(&mut work);
        let view = SubscriptionView::new(subscription, access.role(), access.caller.is_platform());
        slot.keep(&mut work, 201, &view)?;
        self.carry_out(work).await?;
        Ok(Replayable::new(view))
    }
}
