//! Reads a tenant.

use crate::{
    authz::Action,
    error::Result,
    service::{Call, Service, access::TenantReference, views::TenantView},
};

impl Service {
    /// Returns a tenant, by id or slug.
    ///
    /// # Errors
    /// `not_found` when there is no such tenant or the caller may not see it.
    pub async fn read_tenant(&self, call: &Call, reference: &TenantReference) -> Result<TenantView> {
        let access = self.tenant_access(call, reference).await?;
        let tenant = access.authorize(Action::ReadTenant)?.clone();
        Ok(self.view_tenant(&access, tenant))
    }
}
