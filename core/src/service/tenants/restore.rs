//! Ends the suspension of a tenant, or undoes its deletion.

use crate::{
    authz::Action,
    clock::Timestamp,
    domain::{CancelledSubscription, Open, Tenant, TenantStatus},
    error::{Code, Error, Result},
    service::{Call, Service, access::TenantReference, idempotency::Replayable, views::TenantView},
};

impl Service {
    /// Ends a suspension, or undoes a deletion within the grace period. Has no effect on an active tenant.
    ///
    /// A tenant has the status of before, and after a deletion its verified domains, and the subscription that was cancelled
    /// with it. If it has another subscription by now, both are left as they are.
    ///
    /// # Errors
    /// `not_found`, `platform_admin_required`, `version_changed`, or
    /// - `tenant_pending` for a tenant that was never active,
    /// - `tenant_removed` after the grace period,
    /// - `domain_taken` while another tenant has one of its verified domains, which earlier releases freed at once.
    pub async fn restore_tenant(&self, call: &Call, reference: &TenantReference) -> Result<Replayable<TenantView>> {
        let restore = |tenant: &mut Tenant, now| self.restored(tenant, now);
        self.settle(call, |moment| self.change_status(call, moment, reference, Action::RestoreTenant, restore)).await
    }

    /// Gives a tenant the status of before. Returns the subscription that its deletion has cancelled.
    fn restored(&self, tenant: &mut Tenant, now: Timestamp) -> Result<Option<CancelledSubscription>> {
        match &tenant.status {
            Open::Known(TenantStatus::Deleted) => {
                self.check_not_removed(tenant, now)?;
                Ok(tenant.undelete())
            }
            Open::Known(TenantStatus::Pending) => {
                let message = "the tenant is not suspended but still being set up";
                Err(Error::new(Code::TENANT_PENDING, message))
            }
            // A state that Dezky does not define counts as suspended; restoring such a tenant makes it active.
            _ => {
                tenant.set_status(match &tenant.suspended_from {
                    Some(Open::Known(status)) => *status,
                    Some(Open::Foreign(_)) | None => TenantStatus::Active,
                });
                Ok(None)
            }
        }
    }

    /// Refuses a tenant whose data is being removed. The time decides, whether any system is configured or not.
    fn check_not_removed(&self, tenant: &Tenant, now: Timestamp) -> Result<()> {
        match tenant.removal_at(self.settings.grace) {
            Some(time) if time <= now => Err(Error::new(
                Code::TENANT_REMOVED,
                format!(
                    "the deletion could be undone until {time}: its data is removed since, so create another tenant"
                ),
            )),
            _ => Ok(()),
        }
    }
}
