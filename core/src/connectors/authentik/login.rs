//! Logins of tenants: a provider, an application for the members of a group, and a brand.
//!
//! Each part is looked up by its marker before it is created, so that a creation that stopped anywhere is completed by
//! the next one.

use serde_json::Value;

use super::{
    Authentik,
    applications::{Application, application_slug},
    brands::{Brand, brands_of, marker},
    providers::{Provider, client_id, secret_name},
};
use crate::{
    connectors::{ConnectorError, ConnectorResult, Login, NewLogin, OldLogin},
    context::RequestContext,
};

impl Authentik {
    /// Reads the login of a tenant; `None` if anything of it but the brand is missing.
    pub(super) async fn read_login(&self, context: &RequestContext, slug: &str) -> ConnectorResult<Option<Login>> {
        let slug = application_slug(slug);
        let Some(application) = self.application(context, &slug).await? else { return Ok(None) };
        let (Some(tenant), Some(pk)) = (application.tenant(), application.provider) else { return Ok(None) };
        let Some(provider) = self.provider(context, pk).await? else { return Ok(None) };
        if provider.client_id != client_id(tenant) || !self.is_bound(context, &application).await? {
            return Ok(None);
        }
        let brand = brands_of(&self.brands(context).await?, tenant)?.into_iter().next();
        self.login_of(context, slug, &application, provider, brand).await.map(Some)
    }

    pub(super) async fn complete_login(&self, context: &RequestContext, login: &NewLogin) -> ConnectorResult<Login> {
        let slug = application_slug(&login.slug);
        let release = self.release(context).await?;
        let application = self.own_application(context, &slug, login.tenant).await?;
        let provider = self.complete_provider(context, &release, login, &slug).await?;
        let application: Application = match application {
            Some(application) => application,
            None => self.add_application(context, login, &slug).await?,
        };
        // An application without a binding is open to everybody: so it is bound before it gets its provider.
        self.bind(context, &application, &login.group).await?;
        let application = self.open_application(context, application, &slug, provider.pk, &login.name).await?;
        let brand = self.complete_brand(context, login, &application.pk).await?;
        self.login_of(context, slug, &application, provider, Some(brand)).await
    }

    async fn login_of(
        &self,
        context: &RequestContext,
        slug: String,
        application: &Application,
        provider: Provider,
        brand: Option<Brand>,
    ) -> ConnectorResult<Login> {
        let host = brand.as_ref().map(|brand| brand.domain.as_str());
        Ok(Login {
            issuer: self.issuer(context, provider.pk, host).await?,
            provider: provider.pk.to_string(),
            application: slug,
            name: application.name.clone(),
            host: brand.as_ref().filter(|brand| brand.leads_to(&application.pk)).map(|brand| brand.domain.clone()),
            returns_to: provider.address().map(str::to_owned),
            signs: provider.signs(),
            client_id: provider.client_id,
            brand: brand.map(|brand| brand.id),
        })
    }

    /// Deletes the parts of a login, each only if its marker names the tenant.
    ///
    /// The application goes before the provider, and never loses its binding alone.
    pub(super) async fn remove_login(&self, context: &RequestContext, login: &OldLogin) -> ConnectorResult<()> {
        let (tenant, slug, client_id) = (login.tenant, application_slug(&login.slug), client_id(login.tenant));
        let release = self.release(context).await?;
        let brands = self.brands(context).await?;
        let own = brands_of(&brands, tenant)?;
        let foreign = brands.iter().find(|value| login.brand.is_some() && id(value) == login.brand.as_deref());
        if let Some(brand) = foreign.filter(|value| marker(value) != Some(tenant)) {
            let why = "the brand of the login is no longer marked as this tenant's in Authentik: delete it by hand, or \
                       mark it again";
            return Err(ConnectorError::Conflict { existing: id(brand).map(str::to_owned), why: why.to_owned() });
        }
        let provider = self.find_provider(context, &client_id).await?;
        let application = match self.own_application(context, &slug, tenant).await {
            // Providers come first and brands last: the application of somebody else was in the way from the beginning.
            Err(ConnectorError::Conflict { .. }) if provider.is_none() && own.is_empty() => None,
            application => application?,
        };
        for brand in own {
            self.remove_brand(context, &brand.id).await?;
        }
        if application.is_some() {
            self.remove_application(context, &slug).await?;
        }
        if let Some(provider) = provider {
            self.remove_provider(context, provider.pk).await?;
        }
        if release.has_secrets() {
            // Authentik refuses this while something else uses the secret.
            self.remove_secret(context, &secret_name(&client_id)).await?;
        }
        Ok(())
    }
}

fn id(brand: &Value) -> Option<&str> {
    brand.get("brand_uuid")?.as_str()
}
