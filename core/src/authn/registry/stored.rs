//! Issuers in a store.

use async_trait::async_trait;

use super::IssuerSource;
use crate::{
    authn::IssuerSettings,
    context::RequestContext,
    domain::{Issuer, Tenant, issuer::ISSUERS, tenant::TENANTS},
    error::Result,
    store::{Filter, Follow, Origin, Query, Read, Repository as _, SharedStore},
};

/// The issuers of a store, which are those of tenants' own logins.
#[derive(Debug, Clone)]
pub struct StoreIssuers {
    store: SharedStore,
    system: IssuerSettings,
}

impl StoreIssuers {
    /// Maximum number of URLs in one read.
    pub const MAXIMUM_URLS: usize = 100;

    /// Creates the source over a store, if the issuer of the identity system is configured.
    ///
    /// That is the issuer `default`. A tenant's own login is made in the same system, so its tokens look the same.
    #[must_use]
    pub fn new(store: SharedStore, configured: &[IssuerSettings]) -> Option<Self> {
        let system = configured.iter().find(|issuer| issuer.id == IssuerSettings::DEFAULT_ID)?;
        Some(Self { store, system: system.clone() })
    }

    /// Returns the settings that the tokens of a tenant's issuer are verified by.
    ///
    /// `None` once the tenant is to have no login of its own, even if the issuer is still stored.
    ///
    /// # Errors
    /// Kind `Configuration` when its keys may not be fetched from its URL.
    pub fn settings(&self, issuer: &Issuer, tenant: &Tenant) -> Result<Option<IssuerSettings>> {
        if !tenant.isolated_login || tenant.id != issuer.tenant_id {
            return Ok(None);
        }
        self.system.of_tenant(issuer, &tenant.slug).map(Some)
    }
}

#[async_trait]
impl IssuerSource for StoreIssuers {
    async fn find(&self, context: &RequestContext, urls: &[String]) -> Result<Vec<IssuerSettings>> {
        let keys = urls.iter().map(|url| Issuer::url_key(url)).collect();
        let limit = u32::try_from(urls.len()).unwrap_or(u32::MAX);
        let reads: [Read; 2] = [
            Query::new(&ISSUERS).filter(Filter::UniqueKeyIn(keys)).limit(limit).into(),
            Query::new(&TENANTS).limit(limit).follow(Follow::Any("id", Origin { read: 0, field: "tenantId" })),
        ];
        let mut answers = self.store.load_together(context, &reads).await?;
        let issuers: Vec<Issuer> = answers.all()?;
        let tenants: Vec<Tenant> = answers.all()?;
        let found = issuers.iter().filter(|issuer| urls.contains(&issuer.url)).filter_map(|issuer| {
            let tenant = tenants.iter().find(|tenant| tenant.id == issuer.tenant_id)?;
            match self.settings(issuer, tenant) {
                Ok(settings) => settings,
                Err(error) => {
                    tracing::warn!(tenant = %tenant.id, %error, "the issuer of a tenant's own login is not used");
                    None
                }
            }
        });
        Ok(found.collect())
    }
}
