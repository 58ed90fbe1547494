//! Reads a subscription.

use crate::{
    authz::{Action, TargetFacts},
    domain::{Subscription, SubscriptionId},
    error::{Error, Result},
    service::{Call, Service, access::TenantAccess, views::SubscriptionView},
};

impl Service {
    /// Returns a subscription.
    ///
    /// # Errors
    /// `not_found` when there is no such subscription or the caller may not see it.
    pub async fn read_subscription(&self, call: &Call, id: SubscriptionId) -> Result<SubscriptionView> {
        let (access, subscription) = self.subscription_access(call, id, Action::ReadSubscription, &[]).await?;
        Ok(SubscriptionView::new(subscription, access.role(), access.caller.is_platform()))
    }

    /// Loads the caller and a subscription, if the caller may perform `action` on it.
    pub(in crate::service) async fn subscription_access(
        &self,
        call: &Call,
        id: SubscriptionId,
        action: Action,
        fields: &[&'static str],
    ) -> Result<(TenantAccess, Subscription)> {
        let (access, subscription) = self.access_through::<Subscription>(call, id.0, "tenantId").await?;
        access.authorize_with(action, TargetFacts::default(), fields)?;
        Ok((access, subscription.ok_or_else(Error::not_found)?))
    }
}
