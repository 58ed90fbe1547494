//! The view of a workspace.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{
    DomainRecordsView, Issuer, SystemStateView, TenantId,
    workspace::{Phase, SystemKind},
};

/// A place that a tenant's people go to, or will once it is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WorkspaceLink {
    /// The system behind it.
    pub system: SystemKind,
    /// Its phase; `ready` where people can go there now.
    pub phase: Phase,
    /// Its address, once it is ready and known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The login of a tenant's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WorkspaceLogin {
    /// The host that people sign in at.
    pub host: String,
    /// Its issuer, the `iss` of its tokens.
    pub issuer: String,
    /// Its client id, the `aud` of its tokens.
    pub client_id: String,
}

impl WorkspaceLogin {
    /// Shows an issuer.
    pub(super) fn new(issuer: Issuer) -> Self {
        let host = issuer.url.strip_prefix("https://").and_then(|rest| rest.split('/').next()).unwrap_or_default();
        Self {
            host: host.to_owned(),
            client_id: issuer.audiences.into_iter().next().unwrap_or_default(),
            issuer: issuer.url,
        }
    }
}

/// The state of the systems behind a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WorkspaceView {
    /// The tenant.
    #[schema(value_type = String)]
    pub tenant_id: TenantId,
    /// `true` if every system is as it should be.
    pub ready: bool,
    /// The systems. One that is not configured is absent.
    pub systems: Vec<SystemStateView>,
    /// People and mailboxes that are not as they should be, the first 100; for owners, admins and the platform.
    pub parts: Vec<SystemStateView>,
    /// The tenant's mail domains with the DNS records to publish.
    pub domains: Vec<DomainRecordsView>,
    /// The login of its own, once its tokens are accepted; for owners, admins and the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<WorkspaceLogin>,
    /// Places that the tenant's people go to.
    pub links: Vec<WorkspaceLink>,
}
