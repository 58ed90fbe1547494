//! Users as callers see them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    clock::Timestamp,
    domain::{GrantSource, Open, TenantId, User, UserId, UserRole, UserStatus, fields},
};

/// A user, as they see themselves and the platform sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    /// Its id.
    #[schema(value_type = String, pattern = "^[0-9a-f]{24}$")]
    pub id: UserId,
    /// Its version.
    pub version: u64,
    /// The issuer that knows this person.
    pub issuer_id: String,
    /// The person's subject at the issuer; absent after erasure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentik_subject_id: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The address with its domain in its own script, where that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_email: Option<String>,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Informative role.
    #[schema(schema_with = crate::domain::open::schema::<UserRole>)]
    pub role: Open<UserRole>,
    /// Whether the user administers the platform.
    pub platform_admin: bool,
    /// Where that right came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_admin_source: Option<GrantSource>,
    /// Whether the user may call at all.
    #[schema(schema_with = crate::domain::open::schema::<UserStatus>)]
    pub status: Open<UserStatus>,
    /// Tenants in which the user has a membership in force: the first 100 by name, of those that the caller may see.
    #[schema(value_type = Vec<String>)]
    pub tenant_ids: Vec<TenantId>,
    /// Tokens issued before this are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub tokens_valid_after: Option<Timestamp>,
    /// When the person was erased.
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

impl UserView {
    pub(crate) fn new(user: User, tenant_ids: Vec<TenantId>) -> Self {
        Self {
            id: user.id,
            version: user.version,
            issuer_id: user.issuer_id,
            authentik_subject_id: user.authentik_subject_id,
            display_email: user.email.as_deref().and_then(fields::email::readable),
            email: user.email,
            name: user.name,
            role: user.role,
            platform_admin: user.platform_admin,
            platform_admin_source: user.platform_admin_source.filter(|_| user.platform_admin),
            status: user.status,
            tenant_ids,
            tokens_valid_after: user.tokens_valid_after,
            deleted_at: user.deleted_at,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}
