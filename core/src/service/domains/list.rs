//! Lists the domains of a tenant.

use super::{DomainAccess, of_tenant};
use crate::{
    authz::Action,
    domain::{TenantDomain, TenantDomainView},
    error::Result,
    service::{Call, ListRequest, Page, Service, access::TenantReference, cursor::CursorScope},
    store::{Position, Repository as _, Value},
};

impl Service {
    /// Lists the domains of a tenant by name, with the record that proves each.
    ///
    /// # Errors
    /// `not_found`, `invalid_cursor` or `invalid_fields`.
    pub async fn list_domains(
        &self,
        call: &Call,
        reference: &TenantReference,
        request: &ListRequest,
    ) -> Result<Page<TenantDomainView>> {
        let access = self.tenant_access(call, reference).await?;
        let tenant = access.authorize(Action::ReadDomains)?;
        let scope = CursorScope::new(call, "domains", &[("tenant", Some(tenant.id.to_string().as_str()))]);
        let limit = request.limit()?;
        let after = scope.decode(request.cursor.as_deref(), 1)?;
        let claims: Vec<TenantDomain> = self.store.load_all(&call.context, &of_tenant(tenant.id)).await?;
        let mut names = tenant.domains.clone();
        names.sort();
        let listed = names.into_iter().filter(|name| match after.as_ref().and_then(|after| after.values.first()) {
            Some(Value::Text(last)) => name > last,
            _ => true,
        });
        let domains: Vec<TenantDomain> = listed
            .map(|name| {
                let claim = claims.iter().find(|claim| claim.name == name).cloned();
                claim.unwrap_or_else(|| TenantDomain::without_claim(tenant, &name))
            })
            .collect();
        let position = |domain: &TenantDomain| Position { values: vec![domain.name.clone().into()], id: domain.id.0 };
        scope.page(domains, limit, position, |domain| TenantDomainView::through(&access, tenant, domain))
    }

    /// Returns one domain of a tenant.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn read_domain(&self, call: &Call, reference: &TenantReference, name: &str) -> Result<TenantDomainView> {
        let found = self.domain_access(call, reference, name, Action::ReadDomains).await?;
        let DomainAccess { access, tenant, name, claim } = found;
        let claim = claim.unwrap_or_else(|| TenantDomain::without_claim(&tenant, &name));
        Ok(TenantDomainView::through(&access, &tenant, claim))
    }
}
