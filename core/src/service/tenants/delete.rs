//! Deletes a tenant.

use super::{KIND, subject};
use crate::{
    authz::Action,
    domain::{Subscription, SubscriptionStatus},
    error::Result,
    service::{
        Call, Service,
        access::TenantReference,
        moment::Moment,
        unit_of_work::{Subject, UnitOfWork},
        views::check_if_match,
    },
    store::Repository,
};

impl Service {
    /// Deletes a tenant, which only the platform sees from then on.
    ///
    /// Its slug stays reserved, and its subscription is cancelled. Until its data is removed, [`Service::restore_tenant`]
    /// undoes that; then its verified domains become free.
    ///
    /// # Errors
    /// `not_found`, `platform_admin_required`, `tenant_deleted` or `version_changed`.
    pub async fn delete_tenant(&self, call: &Call, reference: &TenantReference) -> Result<()> {
        self.settle(call, |moment| self.try_delete_tenant(call, moment, reference)).await
    }

    async fn try_delete_tenant(&self, call: &Call, moment: Moment, reference: &TenantReference) -> Result<()> {
        let access = self.tenant_access(call, reference).await?;
        let before = access.authorize(Action::DeleteTenant)?;
        check_if_match(call, &self.view_tenant(&access, before.clone()))?;
        let key = Subscription::current_key(before.id);
        let current: Option<Subscription> = self.store.load_unique(&call.context, key).await?;
        let mut after = before.clone();
        after.delete(current.as_ref(), moment.now());
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        work.update(Action::DeleteTenant, KIND, subject(before), before, &mut after)?;
        if let Some(current) = current {
            let mut cancelled = current.clone();
            cancelled.status = SubscriptionStatus::Cancelled.into();
            cancelled.schedule(Some(&current), &self.settings.lifecycle, moment.now());
            let about = Subject { tenant: Some(before.id), user: None };
            work.update(Action::UpdateSubscription, "subscription", about, &current, &mut cancelled)?;
        }
        access.guard(&mut work);
        self.carry_out(work).await
    }
}
