//! Memberships as callers see them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    clock::Timestamp,
    domain::{GrantSource, Membership, MembershipId, MembershipRole, TenantId, UserId, fields},
    service::access::TenantAccess,
};

/// A member of a tenant. The e-mail address is shown to owners, admins, the platform and the member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MembershipView {
    /// Its id.
    #[schema(value_type = String, pattern = "^[0-9a-f]{24}$")]
    pub id: MembershipId,
    /// Its version.
    pub version: u64,
    /// The tenant.
    #[schema(value_type = String)]
    pub tenant_id: TenantId,
    /// The user.
    #[schema(value_type = String)]
    pub user_id: UserId,
    /// The member's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The member's e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The address with its domain in its own script, where that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_email: Option<String>,
    /// The role.
    pub role: MembershipRole,
    /// Where it came from.
    pub source: GrantSource,
    /// When role or source last changed.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last written.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl MembershipView {
    /// What the caller of `access` sees of a membership.
    pub(crate) fn through(access: &TenantAccess, membership: Membership) -> Self {
        let inner = access.caller.is_platform()
            || matches!(access.role(), Some(MembershipRole::Owner | MembershipRole::Admin))
            || access.caller.user_id() == Some(membership.user_id);
        let email = membership.user_email.filter(|_| inner);
        Self {
            id: membership.id,
            version: membership.version,
            tenant_id: membership.tenant_id,
            user_id: membership.user_id,
            name: membership.user_name,
            display_email: email.as_deref().and_then(fields::email::readable),
            email,
            role: membership.role,
            source: membership.source,
            changed_at: membership.changed_at,
            created_at: membership.created_at,
            updated_at: membership.updated_at,
        }
    }
}
