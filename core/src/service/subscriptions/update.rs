//! Changes a subscription.

use super::{KIND, lifecycle::follow, subject};
use crate::{
    authz::Action,
    domain::{
        Choice as _, Subscription, SubscriptionId, SubscriptionStatus, UpdateSubscription, lifecycle::may_become,
    },
    error::{Code, Error, FieldCode, FieldError, Result},
    service::{
        Call, Service,
        moment::Moment,
        unit_of_work::UnitOfWork,
        views::{SubscriptionView, check_if_match},
    },
};

impl Service {
    /// Changes a subscription. Platform only. A cancelled one stays cancelled.
    ///
    /// # Errors
    /// `not_found`, `platform_admin_required`, `subscription_cancelled`, `version_changed` or `invalid_fields`.
    pub async fn update_subscription(
        &self,
        call: &Call,
        id: SubscriptionId,
        input: UpdateSubscription,
    ) -> Result<SubscriptionView> {
        self.settle(call, |moment| self.try_update_subscription(call, moment, id, input.clone())).await
    }

    async fn try_update_subscription(
        &self,
        call: &Call,
        moment: Moment,
        id: SubscriptionId,
        input: UpdateSubscription,
    ) -> Result<SubscriptionView> {
        let (access, before) = self.subscription_access(call, id, Action::UpdateSubscription, &input.fields()).await?;
        let (role, platform) = (access.role(), access.caller.is_platform());
        check_if_match(call, &SubscriptionView::new(before.clone(), role, platform))?;
        let mut after = before.clone();
        input.change(&mut after, &self.settings.plans, moment.now())?;
        check_transition(&before, &after)?;
        after.schedule(Some(&before), &self.settings.lifecycle, moment.now());
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        if work.update(Action::UpdateSubscription, KIND, subject(&before), &before, &mut after)? {
            follow(&mut work, access.authorize(Action::UpdateSubscription)?, &after)?;
            access.guard(&mut work);
            self.carry_out(work).await?;
        }
        Ok(SubscriptionView::new(after, role, platform))
    }
}

/// Refuses a change of status that a subscription cannot make. One from before the catalogue of plans makes all but the last.
fn check_transition(before: &Subscription, after: &Subscription) -> Result<()> {
    let (from, to) = (before.status.counts_as(), after.status.counts_as());
    if before.status == SubscriptionStatus::Cancelled && after.status != SubscriptionStatus::Cancelled {
        let message = "a cancelled subscription stays cancelled: create a new one";
        return Err(Error::new(Code::SUBSCRIPTION_CANCELLED, message));
    }
    let known = !before.status.is_foreign() && !after.status.is_foreign() && before.terms.is_some();
    if known && !may_become(from, to) {
        let message = format!("a subscription that is `{}` does not become `{}`", from.name(), to.name());
        return Err(Error::invalid(vec![FieldError::new("status", FieldCode::UNREACHABLE_STATUS, message)]));
    }
    Ok(())
}
