//! Suspends a tenant.

use super::{KIND, subject};
use crate::{
    authz::Action,
    domain::TenantStatus,
    error::Result,
    service::{
        Call, Service,
        access::TenantReference,
        idempotency::{Answer, Begun},
        moment::Moment,
        unit_of_work::UnitOfWork,
        views::{TenantView, check_if_match},
    },
};

impl Service {
    /// Makes a tenant read-only for its own people. Has no effect on a suspended tenant.
    ///
    /// # Errors
    /// `not_found`, `platform_admin_required` or `tenant_deleted`.
    pub async fn suspend_tenant(&self, call: &Call, reference: &TenantReference) -> Result<Answer<TenantView>> {
        self.settle(call, |moment| self.try_suspend_tenant(call, moment, reference)).await
    }

    async fn try_suspend_tenant(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
    ) -> Result<Answer<TenantView>> {
        let access = self.tenant_access(call, reference).await?;
        let before = access.authorize(Action::SuspendTenant)?;
        let slot = match self.begin(call, &moment).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::New(slot) => slot,
        };
        check_if_match(call, &self.view_tenant(&access, before.clone()))?;
        let mut after = before.clone();
        after.set_status(TenantStatus::Suspended);
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        work.update(Action::SuspendTenant, KIND, subject(before), before, &mut after)?;
        access.guard(&mut work);
        let view = self.view_tenant(&access, after);
        slot.keep(&mut work, 200, &view)?;
        self.carry_out(work).await?;
        Ok(Answer::new(view))
    }
}
