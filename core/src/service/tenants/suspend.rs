//! Suspends and restores a tenant.

use super::{KIND, subject};
use crate::{
    authz::Action,
    domain::{Open, TenantStatus},
    error::{Code, Error, Result},
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
        self.settle(call, |moment| self.try_set_status(call, moment, reference, Action::SuspendTenant)).await
    }

    /// Ends a suspension and restores the previous state. Has no effect on an active tenant.
    ///
    /// # Errors
    /// As [`Service::suspend_tenant`], and `tenant_pending` for one that was never active.
    pub async fn restore_tenant(&self, call: &Call, reference: &TenantReference) -> Result<Answer<TenantView>> {
        self.settle(call, |moment| self.try_set_status(call, moment, reference, Action::RestoreTenant)).await
    }

    async fn try_set_status(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        action: Action,
    ) -> Result<Answer<TenantView>> {
        let access = self.tenant_access(call, reference).await?;
        let before = access.authorize(action)?;
        let slot = match self.begin(call, &moment).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::New(slot) => slot,
        };
        check_if_match(call, &TenantView::through(&access, before.clone()))?;
        let mut after = before.clone();
        after.set_status(match (action, &before.status) {
            (Action::SuspendTenant, _) => TenantStatus::Suspended,
            (_, Open::Known(TenantStatus::Pending)) => {
                let message = "the tenant is not suspended but still being set up";
                return Err(Error::new(Code::TENANT_PENDING, message));
            }
            // A state that Dezky does not define counts as suspended; restoring such a tenant makes it active.
            _ => match &before.suspended_from {
                Some(Open::Known(status)) => *status,
                Some(Open::Foreign(_)) | None => TenantStatus::Active,
            },
        });
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        work.update(action, KIND, subject(before), before, &mut after)?;
        access.guard(&mut work);
        let view = TenantView::through(&access, after);
        slot.keep(&mut work, 200, &view)?;
        self.carry_out(work).await?;
        Ok(Answer::new(view))
    }
}
