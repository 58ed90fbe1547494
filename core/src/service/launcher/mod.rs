//! The public launcher: the part of a tenant that is visible before signing in.

use crate::{
    context::RequestContext,
    domain::{Tenant, TenantStatus, fields::domain_name},
    error::{Error, Result},
    service::{Service, views::LauncherView},
    store::Repository,
};

impl Service {
    /// Returns the launcher of the tenant at the host `<slug>.<public domain>`, or at a host name of its own, ignoring a
    /// port.
    ///
    /// # Errors
    /// `not_found` when there is no tenant at this host.
    pub async fn launcher_at(&self, context: &RequestContext, host: &str) -> Result<LauncherView> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_end_matches('.').to_ascii_lowercase();
        match self.slug_of_host(&name) {
            Some(slug) => self.launcher_of(context, &slug).await,
            None => self.launcher_at_own(context, &name).await,
        }
    }

    /// Returns the launcher of the tenant with this host name of its own, once that was seen to lead here.
    async fn launcher_at_own(&self, context: &RequestContext, name: &str) -> Result<LauncherView> {
        let name = domain_name::normalise(name).ok_or_else(Error::not_found)?;
        let tenant: Option<Tenant> = self.store.load_unique(context, Tenant::host_key(&name)).await?;
        let leads_here = |tenant: &Tenant| {
            tenant.launcher_host_verified_at.is_some()
                && tenant.status != TenantStatus::Deleted
                && tenant.domain_of_host(&name).is_some()
        };
        tenant.filter(leads_here).map(shown).ok_or_else(Error::not_found)
    }

    /// Returns the launcher of the tenant with this slug.
    ///
    /// # Errors
    /// `not_found` when there is no such tenant, or it is deleted.
    pub async fn launcher_of(&self, context: &RequestContext, slug: &str) -> Result<LauncherView> {
        let tenant: Option<Tenant> = self.store.load_unique(context, Tenant::slug_key(slug)).await?;
        let living = |tenant: &Tenant| tenant.slug == slug && tenant.status != TenantStatus::Deleted;
        let tenant = tenant.filter(living).ok_or_else(Error::not_found)?;
        Ok(shown(tenant))
    }

    fn slug_of_host(&self, name: &str) -> Option<String> {
        let domain = self.settings.public_domain.as_deref()?;
        let slug = name.strip_suffix(domain)?.strip_suffix('.')?;
        (!slug.is_empty() && !slug.contains('.')).then(|| slug.to_owned())
    }
}

fn shown(tenant: Tenant) -> LauncherView {
    LauncherView { slug: tenant.slug, name: tenant.name, branding: tenant.branding.unwrap_or_default() }
}
