//! Deletes a subscription.

use super::{KIND, subject};
use crate::{
    authz::Action,
    domain::{SubscriptionId, SubscriptionStatus},
    error::{Code, Error, Result},
    service::{
        Call, Service,
        moment::Moment,
        unit_of_work::UnitOfWork,
        views::{SubscriptionView, check_if_match},
    },
};

impl Service {
    /// Removes a subscription. Platform only. Its audit events stay.
    ///
    /// # Errors
    /// `not_found`, `platform_admin_required`, `tenant_deleted`, `version_changed`, or `subscription_billed` while the
    /// payment provider bills it.
    pub async fn delete_subscription(&self, call: &Call, id: SubscriptionId) -> Result<()> {
        self.settle(call, |moment| self.try_delete_subscription(call, moment, id)).await
    }

    async fn try_delete_subscription(&self, call: &Call, moment: Moment, id: SubscriptionId) -> Result<()> {
        let (access, subscription) = self.subscription_access(call, id, Action::DeleteSubscription, &[]).await?;
        let view = SubscriptionView::new(subscription.clone(), access.role(), access.caller.is_platform());
        check_if_match(call, &view)?;
        if subscription.stripe_subscription_id.is_some() && subscription.status != SubscriptionStatus::Cancelled {
            let message = "the payment provider bills the subscription: cancel it before it is removed";
            return Err(Error::new(Code::SUBSCRIPTION_BILLED, message));
        }
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        work.delete(Action::DeleteSubscription, KIND, subject(&subscription), &subscription)?;
        access.guard(&mut work);
        self.carry_out(work).await
    }
}
