//! The public launcher: the part of a tenant that is visible before signing in.

use crate::{
    context::RequestContext,
    domain::{Tenant, TenantStatus},
    error::{Error, Result},
    service::{Service, views::LauncherView},
    store::Repository,
};

impl Service {
    /// Returns the launcher of the tenant at the host `<slug>.<public domain>`, ignoring a port.
    ///
    /// # Errors
    /// `not_found` when there is no tenant at this host.
    pub async fn launcher_at(&self, context: &RequestContext, host: &str) -> Result<LauncherView> {
        let slug = self.slug_of_host(host).ok_or_else(Error::not_found)?;
        self.launcher_of(context, &slug).await
    }

    /// Returns the launcher of the tenant with this slug.
    ///
    /// # Errors
    /// `not_found` when there is no such tenant, or it is deleted.
    pub async fn launcher_of(&self, context: &RequestContext, slug: &str) -> Result<LauncherView> {
        let tenant: Option<Tenant> = self.store.load_unique(context, Tenant::slug_key(slug)).await?;
        let living = |tenant: &Tenant| tenant.slug == slug && tenant.status != TenantStatus::Deleted;
        let tenant = tenant.filter(living).ok_or_else(Error::not_found)?;
        Ok(LauncherView { slug: tenant.slug, name: tenant.name, branding: tenant.branding.unwrap_or_default() })
    }

    fn slug_of_host(&self, host: &str) -> Option<String> {
        let domain = self.settings.public_domain.as_deref()?;
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_end_matches('.').to_ascii_lowercase();
        let slug = name.strip_suffix(domain)?.strip_suffix('.')?;
        (!slug.is_empty() && !slug.contains('.')).then(|| slug.to_owned())
    }
}
