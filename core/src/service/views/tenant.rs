//! Tenants as callers see them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    clock::Timestamp,
    domain::{BillingInfo, Branding, DomainVerification, MembershipRole, Open, Tenant, TenantId, TenantStatus, fields},
    service::access::{CallerFacts, TenantAccess},
};

/// A tenant. `billingInfo`, `authentikGroup`, `ocisSpaceId` and `stalwartDomain` are shown to its owners and admins and to the
/// platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantView {
    /// Its id.
    #[schema(value_type = String, pattern = "^[0-9a-f]{24}$")]
    pub id: TenantId,
    /// Its version.
    pub version: u64,
    /// The DNS label under which it lives.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its state.
    #[schema(schema_with = crate::domain::open::schema::<TenantStatus>)]
    pub status: Open<TenantStatus>,
    /// What it has bought.
    pub plan: String,
    /// The caller's own role in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<MembershipRole>,
    /// Domains that it says are its own.
    pub domains: Vec<String>,
    /// The same domains in their own script, in the same order; left out where none differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub display_domains: Vec<String>,
    /// Which of them are proved.
    pub domain_verifications: Vec<DomainVerification>,
    /// To whom invoices go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_info: Option<BillingInfo>,
    /// How its launcher looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branding: Option<Branding>,
    /// Name of its group in Authentik.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentik_group: Option<String>,
    /// Its space in ownCloud Infinite Scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ocis_space_id: Option<String>,
    /// Its mail domain in Stalwart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalwart_domain: Option<String>,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deleted_at: Option<Timestamp>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last written.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// Domains as people read them; none where that is how they are stored.
fn readable(domains: &[String]) -> Vec<String> {
    let shown: Vec<Option<String>> = domains.iter().map(|domain| fields::domain_name::readable(domain)).collect();
    if shown.iter().all(Option::is_none) {
        return Vec::new();
    }
    shown.into_iter().zip(domains).map(|(shown, stored)| shown.unwrap_or_else(|| stored.clone())).collect()
}

impl TenantView {
    /// What a caller with this role sees; `platform` sees everything.
    pub(crate) fn new(tenant: Tenant, role: Option<MembershipRole>, platform: bool) -> Self {
        let inner = platform || matches!(role, Some(MembershipRole::Owner | MembershipRole::Admin));
        Self {
            id: tenant.id,
            version: tenant.version,
            slug: tenant.slug,
            name: tenant.name,
            status: tenant.status,
            plan: tenant.plan,
            role,
            display_domains: readable(&tenant.domains),
            domains: tenant.domains,
            domain_verifications: tenant.domain_verifications,
            billing_info: tenant.billing_info.filter(|_| inner),
            branding: tenant.branding,
            authentik_group: tenant.authentik_group.filter(|_| inner),
            ocis_space_id: tenant.ocis_space_id.filter(|_| inner),
            stalwart_domain: tenant.stalwart_domain.filter(|_| inner),
            deleted_at: tenant.deleted_at,
            created_at: tenant.created_at,
            updated_at: tenant.updated_at,
        }
    }

    /// What the caller of `access` sees of a tenant.
    pub(crate) fn through(access: &TenantAccess, tenant: Tenant) -> Self {
        Self::new(tenant, access.role(), access.caller.is_platform())
    }

    /// What the platform sees.
    pub(crate) fn for_platform(_: &CallerFacts, tenant: Tenant) -> Self {
        Self::new(tenant, None, true)
    }
}
