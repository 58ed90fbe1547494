//! Tenants as callers see them.

pub use crate::domain::tenant::TenantView;
use crate::{
    domain::{MembershipRole, Tenant},
    service::{
        Service,
        access::{CallerFacts, TenantAccess},
    },
};

impl TenantView {
    /// Returns what one of the tenant's own people sees of it. To them, a deleted one is absent.
    pub(crate) fn of_own(tenant: Tenant, role: Option<MembershipRole>) -> Self {
        Self::shown_to(tenant, super::viewer(role, false), role, None)
    }
}

impl Service {
    /// Returns what the caller of `access` sees of a tenant.
    pub(crate) fn view_tenant(&self, access: &TenantAccess, tenant: Tenant) -> TenantView {
        if access.caller.is_platform() {
            return self.view_tenant_for_platform(&access.caller, access.role(), tenant);
        }
        TenantView::of_own(tenant, access.role())
    }

    /// Returns what the platform sees of a tenant.
    pub(crate) fn view_tenant_for_platform(
        &self,
        _: &CallerFacts,
        role: Option<MembershipRole>,
        tenant: Tenant,
    ) -> TenantView {
        let removal_at = tenant.removal_at(self.settings.grace);
        TenantView::shown_to(tenant, super::viewer(role, true), role, removal_at)
    }
}
