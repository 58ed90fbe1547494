//! Memberships: who belongs to which tenant, in which role.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Choice, GrantSource, MembershipId, ObjectId, RevokedBy, Tenant, TenantId, User, UserId};
use crate::{
    clock::Timestamp,
    store::{Collection, Entity, Field, FieldType, Form, Index, KeyPart, Scope, Source},
};

/// What a member may do in a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MembershipRole {
    /// Uses the tenant.
    Member,
    /// Runs the tenant, but for its owners and its billing.
    Admin,
    /// Runs the tenant. The last one stays.
    Owner,
}

impl Choice for MembershipRole {
    const ALL: &'static [Self] = &[Self::Owner, Self::Admin, Self::Member];
    const UNKNOWN: Self = Self::Member;

    fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

/// A membership as it is stored. A revoked one stays as a tombstone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// Its id.
    pub id: MembershipId,
    /// Its version.
    #[serde(default)]
    pub version: u64,
    /// The tenant.
    pub tenant_id: TenantId,
    /// The user.
    pub user_id: UserId,
    /// The role, or the last one before revocation.
    pub role: MembershipRole,
    /// Where it came from.
    pub source: GrantSource,
    /// Whether it is in force: there is no `revokedAt`. Stored so that it can be indexed.
    pub active: bool,
    /// When role, source or force last changed.
    pub changed_at: Timestamp,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// Who revoked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_by: Option<RevokedBy>,
    /// When the tenant's own people have put a former member back. Until that person comes again the copies of name and address
    /// stay as the tenant knew them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regranted_at: Option<Timestamp>,
    /// Copy of the tenant's slug.
    pub tenant_slug: String,
    /// Copy of the tenant's name.
    pub tenant_name: String,
    /// The tenant's name as it is searched and sorted.
    pub tenant_name_key: String,
    /// Copy of the user's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// The user's name as it is searched and sorted.
    pub user_name_key: String,
    /// Copy of the user's e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_email: Option<String>,
    /// The address as it is searched and sorted.
    pub user_email_key: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
}

impl Membership {
    /// A new membership in force.
    #[must_use]
    pub fn new(tenant: &Tenant, user: &User, role: MembershipRole, source: GrantSource, now: Timestamp) -> Self {
        let mut membership = Self {
            id: MembershipId::generate(),
            version: 1,
            tenant_id: tenant.id,
            user_id: user.id,
            role,
            source,
            active: true,
            changed_at: now,
            revoked_at: None,
            revoked_by: None,
            regranted_at: None,
            tenant_slug: String::new(),
            tenant_name: String::new(),
            tenant_name_key: String::new(),
            user_name: None,
            user_name_key: String::new(),
            user_email: None,
            user_email_key: String::new(),
            created_at: now,
            updated_at: now,
        };
        membership.copy_tenant(tenant);
        membership.copy_user(user);
        membership
    }

    /// The unique key of a person in a tenant.
    #[must_use]
    pub fn key(tenant: TenantId, user: UserId) -> String {
        format!("member:{tenant}:{user}")
    }

    /// The same of a tenant and a user that other reads find.
    #[must_use]
    pub fn key_of(tenant: KeyPart, user: KeyPart) -> Vec<KeyPart> {
        vec![KeyPart::Text("member:".to_owned()), tenant, KeyPart::Text(":".to_owned()), user]
    }

    /// Refreshes the copies of the tenant's fields. Returns whether any changed.
    pub fn copy_tenant(&mut self, tenant: &Tenant) -> bool {
        let same = self.tenant_slug == tenant.slug
            && self.tenant_name == tenant.name
            && self.tenant_name_key == tenant.name_key;
        self.tenant_slug.clone_from(&tenant.slug);
        self.tenant_name.clone_from(&tenant.name);
        self.tenant_name_key.clone_from(&tenant.name_key);
        !same
    }

    /// Refreshes the copies of the user's fields. Returns whether any changed.
    pub fn copy_user(&mut self, user: &User) -> bool {
        let same = self.user_name == user.name
            && self.user_name_key == user.name_key
            && self.user_email == user.email
            && self.user_email_key == user.email_key;
        self.user_name.clone_from(&user.name);
        self.user_name_key.clone_from(&user.name_key);
        self.user_email.clone_from(&user.email);
        self.user_email_key.clone_from(&user.email_key);
        !same
    }

    /// Shows the tenant who the person is now, who is there again or whom the platform has named.
    pub fn show_person(&mut self, user: &User) {
        self.regranted_at = None;
        self.copy_user(user);
    }

    /// Whether the tenant learns what its member is called from now on: what a former member is called is none of its concern,
    /// and being put back by others is not a member's word.
    #[must_use]
    pub const fn follows_person(&self) -> bool {
        self.active && self.regranted_at.is_none()
    }

    /// Puts it in force.
    pub fn grant(&mut self, role: MembershipRole, source: GrantSource, now: Timestamp) {
        self.role = role;
        self.source = source;
        self.active = true;
        self.changed_at = now;
        self.revoked_at = None;
        self.revoked_by = None;
    }

    /// Takes it away and leaves the tombstone.
    pub fn revoke(&mut self, by: RevokedBy, now: Timestamp) {
        self.active = false;
        self.changed_at = now;
        self.revoked_at = Some(now);
        self.revoked_by = Some(by);
    }
}

/// A tenant's members by name.
pub const MEMBERS_BY_NAME: Index = Index { name: "members_by_name", fields: &["tenantId", "active", "userNameKey"] };

/// A tenant's members by e-mail address.
pub const MEMBERS_BY_EMAIL: Index = Index { name: "members_by_email", fields: &["tenantId", "active", "userEmailKey"] };

/// A tenant's members by role.
pub const MEMBERS_BY_ROLE: Index =
    Index { name: "members_by_role", fields: &["tenantId", "active", "role", "userNameKey"] };

/// A tenant's members by the beginnings of words of their names and addresses, each by name.
pub const MEMBERS_BY_WORD: Index =
    Index { name: "members_by_word", fields: &["tenantId", "active", "_words", "userNameKey"] };

/// The mark of terms out of a member's name.
pub const NAMED: &str = "n";

/// The mark of terms that only a member's address has, which not everybody may search by.
pub const ADDRESSED: &str = "a";

const WORDS_OF_USER: &[Source] =
    &[Source { field: "userName", mark: NAMED }, Source { field: "userEmail", mark: ADDRESSED }];

/// A person's tenants by the beginnings of words of their names, each by name.
pub const TENANTS_OF_USER_BY_WORD: Index =
    Index { name: "tenants_of_user_by_word", fields: &["userId", "active", "_wordsOfTenant", "tenantNameKey"] };

/// A person's tenants by name.
pub const TENANTS_OF_USER: Index = Index { name: "tenants_of_user", fields: &["userId", "active", "tenantNameKey"] };

/// A person's memberships by where they came from.
pub const MEMBERSHIPS_BY_SOURCE: Index =
    Index { name: "memberships_by_source", fields: &["userId", "active", "source"] };

/// All of a tenant's memberships, tombstones included, by id.
pub const MEMBERSHIPS_OF_TENANT: Index = Index { name: "memberships_of_tenant", fields: &["tenantId"] };

/// All of a person's memberships, tombstones included, by id.
pub const MEMBERSHIPS_OF_USER: Index = Index { name: "memberships_of_user", fields: &["userId"] };

/// The collection of memberships.
pub static MEMBERSHIPS: Collection = Collection {
    name: "memberships",
    fields: &[
        Field::new("version", FieldType::Integer),
        Field::new("tenantId", FieldType::Id),
        Field::new("userId", FieldType::Id),
        Field::new("role", FieldType::Text),
        Field::new("source", FieldType::Text),
        Field::new("active", FieldType::Boolean),
        Field::new("changedAt", FieldType::Time),
        Field::new("revokedAt", FieldType::Time),
        Field::new("revokedBy", FieldType::Text),
        Field::new("regrantedAt", FieldType::Time),
        Field::new("tenantSlug", FieldType::Text),
        Field::new("tenantName", FieldType::Text),
        Field::derived("tenantNameKey", "tenantName", Form::Name),
        Field::new("userName", FieldType::Text),
        Field::derived("userNameKey", "userName", Form::Name),
        Field::new("userEmail", FieldType::Text),
        Field::derived("userEmailKey", "userEmail", Form::Address),
        Field::new("createdAt", FieldType::Time),
        Field::new("updatedAt", FieldType::Time),
        Field::new("_words", FieldType::Terms(WORDS_OF_USER)),
        Field::new("_wordsOfTenant", FieldType::Terms(&[Source { field: "tenantName", mark: "" }])),
    ],
    indexes: &[
        MEMBERS_BY_NAME,
        MEMBERS_BY_EMAIL,
        MEMBERS_BY_ROLE,
        MEMBERS_BY_WORD,
        TENANTS_OF_USER,
        TENANTS_OF_USER_BY_WORD,
        MEMBERSHIPS_BY_SOURCE,
        MEMBERSHIPS_OF_TENANT,
        MEMBERSHIPS_OF_USER,
    ],
    scope: Scope::TenantAndPerson { tenant: "tenantId", person: "userId" },
};

impl Entity for Membership {
    const COLLECTION: &'static Collection = &MEMBERSHIPS;

    fn id(&self) -> ObjectId {
        self.id.0
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn unique_keys(&self) -> Vec<String> {
        vec![Self::key(self.tenant_id, self.user_id)]
    }
}
