//! Suspends a tenant.

use crate::{
    authz::Action,
    domain::{Tenant, TenantStatus},
    error::Result,
    service::{Call, Service, access::TenantReference, idempotency::Replayable, views::TenantView},
};

impl Service {
    /// Makes a tenant read-only for its own people. Has no effect on a suspended tenant.
    ///
    /// # Errors
    /// `not_found`, `platform_admin_required` or `tenant_deleted`.
    pub async fn suspend_tenant(&self, call: &Call, reference: &TenantReference) -> Result<Replayable<TenantView>> {
        let suspend = |tenant: &mut Tenant, _| {
            tenant.set_status(TenantStatus::Suspended);
            Ok(None)
        };
        self.settle(call, |moment| self.change_status(call, moment, reference, Action::SuspendTenant, suspend)).await
    }
}
