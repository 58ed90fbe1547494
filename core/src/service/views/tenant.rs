//! Tenants as callers see them.

pub use crate::domain::tenant::TenantView;
use crate::{
    domain::{MembershipRole, Tenant},
    service::access::{CallerFacts, TenantAccess},
};

impl TenantView {
    /// Returns what a caller with this role sees; `platform` sees everything.
    pub(crate) fn new(tenant: Tenant, role: Option<MembershipRole>, platform: bool) -> Self {
        Self::shown_to(tenant, super::viewer(role, platform), role)
    }

    /// Returns what the caller of `access` sees of a tenant.
    pub(crate) fn through(access: &TenantAccess, tenant: Tenant) -> Self {
        Self::new(tenant, access.role(), access.caller.is_platform())
    }

    /// Returns what the platform sees.
    pub(crate) fn for_platform(_: &CallerFacts, tenant: Tenant) -> Self {
        Self::new(tenant, None, true)
    }
}
