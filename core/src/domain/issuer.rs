//! Issuers of tenants, which the platform makes itself and accepts tokens of.

use dezky_derive::{Choice, entity};
use serde::{Deserialize, Serialize};

use super::{IssuerId, Open, TenantId};
use crate::{
    callers::Callers,
    clock::Timestamp,
    store::{Guest, Scope},
};

/// Beginning of the names under which users of tenants' issuers are stored.
const OF_TENANT: &str = "Tenant-";

/// The part of the platform that keeps an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Choice)]
#[serde(rename_all = "snake_case")]
pub enum IssuerKeeper {
    /// The controller of the identity system, which made the login behind it.
    #[choice(unknown)]
    Controller,
}

/// An issuer whose tokens are accepted for one tenant, besides the configured ones.
///
/// No use case of the API writes it: the controller does, when it has made the tenant's own login.
#[entity(
    /// The collection of issuers.
    collection ISSUERS = "issuers",
    scope = Scope::Tenant("tenantId"),
    guest = Guest::Scoped { readers: Callers::ADMINS, keys: &[] },
    keys = Self::keys,
    /// Issuers of a tenant.
    index ISSUERS_OF_TENANT = of_tenant(tenant_id),
)]
#[derive(Debug)]
pub struct Issuer {
    /// Its id.
    pub id: IssuerId,
    /// Its version.
    pub version: u64,
    /// The tenant that its tokens are for.
    #[field(read = ADMINS)]
    pub tenant_id: TenantId,
    /// Its URL, the `iss` of its tokens, compared byte by byte. Its keys are found by discovery.
    #[field(read = ADMINS, impersonal)]
    pub url: String,
    /// Accepted values of `aud`.
    #[field(read = ADMINS, impersonal)]
    pub audiences: Vec<String>,
    /// The part of the platform that keeps it.
    #[field(read = ADMINS)]
    pub kept_by: Open<IssuerKeeper>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last write.
    pub updated_at: Timestamp,
}

impl Issuer {
    /// Creates the issuer of a tenant's own login.
    #[must_use]
    pub fn of_login(tenant: TenantId, url: &str, audience: &str, now: Timestamp) -> Self {
        Self {
            id: IssuerId::generate(),
            version: 1,
            tenant_id: tenant,
            url: url.to_owned(),
            audiences: vec![audience.to_owned()],
            kept_by: IssuerKeeper::Controller.into(),
            created_at: now,
            updated_at: now,
        }
    }

    /// Returns the unique key of a URL. Two tenants never have the same one.
    #[must_use]
    pub fn url_key(url: &str) -> String {
        format!("issuer:{url}")
    }

    /// Returns the unique key of a tenant's issuer.
    #[must_use]
    pub fn tenant_key(tenant: TenantId) -> String {
        format!("issuer-of:{tenant}")
    }

    /// Returns the name under which its users are stored.
    ///
    /// It stays the same when the login is made again. The id of a configured issuer has no upper-case letters, so that
    /// none is ever the same.
    #[must_use]
    pub fn name_of(tenant: TenantId) -> String {
        format!("{OF_TENANT}{tenant}")
    }

    /// Returns the tenant whose own issuer's users are stored under this name.
    #[must_use]
    pub fn tenant_of(name: &str) -> Option<TenantId> {
        name.strip_prefix(OF_TENANT)?.parse().ok()
    }

    fn keys(&self) -> Vec<String> {
        vec![Self::url_key(&self.url), Self::tenant_key(self.tenant_id)]
    }
}
