//! Memberships: the people of a tenant and their roles.

use dezky_derive::{Choice, entity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    GrantSource, Language, MembershipId, RevokedBy, Tenant, TenantId, User, UserId,
    fields::{self, choice, object_id},
};
use crate::{
    callers::Callers,
    clock::Timestamp,
    store::{Guest, KeyPart, Scope},
};

/// The role of a member in a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, Choice)]
#[serde(rename_all = "snake_case")]
#[choice(reversed)]
pub enum MembershipRole {
    /// Uses the tenant.
    #[choice(unknown)]
    Member,
    /// Manages the tenant, except its owners and its billing.
    Admin,
    /// Manages the tenant. A tenant keeps its last owner.
    Owner,
}

impl MembershipRole {
    /// Returns the caller kind for this role in a tenant; a stranger without a role.
    #[must_use]
    pub const fn caller(role: Option<Self>) -> Callers {
        match role {
            Some(Self::Owner) => Callers::OWNER,
            Some(Self::Admin) => Callers::ADMIN,
            Some(Self::Member) => Callers::MEMBER,
            None => Callers::STRANGER,
        }
    }
}

/// Mark of terms from a member's name.
pub const NAMED: &str = "n";

/// Mark of terms found only in a member's address, which not everybody may search.
pub const ADDRESSED: &str = "a";

/// A stored membership. A revoked one stays as a tombstone.
#[entity(
    /// The collection of memberships.
    collection MEMBERSHIPS = "memberships",
    scope = Scope::TenantAndPerson { tenant: "tenantId", person: "userId" },
    guest = Guest::Scoped { readers: Callers::MEMBERS, keys: &["member:"] },
    keys = Self::keys,
    seen = MEMBERS,
    /// A tenant's members by name.
    index MEMBERS_BY_NAME = members_by_name(tenant_id, active, user_name_key),
    /// A tenant's members by e-mail address.
    index MEMBERS_BY_EMAIL = members_by_email(tenant_id, active, user_email_key),
    /// A tenant's members by role.
    index MEMBERS_BY_ROLE = members_by_role(tenant_id, active, role, user_name_key),
    /// A tenant's members by prefixes of words of their names and addresses, each by name.
    index MEMBERS_BY_WORD = members_by_word(tenant_id, active, _words, user_name_key),
    /// A person's tenants by name.
    index TENANTS_OF_USER = tenants_of_user(user_id, active, tenant_name_key),
    /// A person's tenants by prefixes of words of their names, each by name.
    index TENANTS_OF_USER_BY_WORD = tenants_of_user_by_word(user_id, active, _wordsOfTenant, tenant_name_key),
    /// A person's memberships by source.
    index MEMBERSHIPS_BY_SOURCE = memberships_by_source(user_id, active, source),
    /// All of a tenant's memberships, tombstones included, by id.
    index MEMBERSHIPS_OF_TENANT = memberships_of_tenant(tenant_id),
    /// All of a person's memberships, tombstones included, by id.
    index MEMBERSHIPS_OF_USER = memberships_of_user(user_id),
    words _words(user_name: NAMED, user_email: ADDRESSED),
    words _wordsOfTenant(tenant_name),
    /// A member of a tenant. The e-mail address is visible to owners, admins, the platform and the member.
    view MembershipView,
    /// A new membership.
    create GrantMembership,
    /// Changes to a membership.
    #[schema(example = json!({"role": "admin"}))]
    update UpdateMembership,
)]
#[derive(Debug)]
pub struct Membership {
    /// Its id.
    pub id: MembershipId,
    /// Its version.
    #[serde(default)]
    pub version: u64,
    /// The tenant.
    #[field(see, given)]
    pub tenant_id: TenantId,
    /// The user.
    #[field(see, given, create = required(object_id), text_in_create = "The person.")]
    pub user_id: UserId,
    /// The member's name.
    ///
    /// Copy of the user's.
    #[field(see, shown_as = name, personal)]
    pub user_name: Option<String>,
    /// The user's name in the form that is searched and sorted.
    #[field(derived(user_name, Name), read = MEMBERS, personal)]
    pub user_name_key: String,
    /// The member's e-mail address.
    ///
    /// Copy of the user's.
    #[field(see = ADMINS | ONESELF, shown_as = email, personal)]
    pub user_email: Option<String>,
    /// The address with its domain in its own script, if that differs.
    #[shown(email.as_deref().and_then(fields::email::readable))]
    pub display_email: Option<String>,
    /// The address in the form that is searched and sorted.
    #[field(derived(user_email, Address), read = ADMINS | ONESELF, personal)]
    pub user_email_key: String,
    /// The role.
    ///
    /// If it is revoked, the last one before.
    #[field(
        see, given, create = default(MembershipRole::Member, choice), update = replace(choice),
        text_in_create = "The role; `member` without it."
    )]
    pub role: MembershipRole,
    /// The source of the membership.
    #[field(see, given)]
    pub source: GrantSource,
    /// `true` if it is in force, which means there is no `revokedAt`. Stored so that it can be indexed.
    #[field(read = MEMBERS, initial = true)]
    pub active: bool,
    /// Time of the last change of role or source.
    ///
    /// Or of being in force.
    #[field(see, initial = now)]
    pub changed_at: Timestamp,
    /// Time of revocation.
    #[field(read = MEMBERS)]
    pub revoked_at: Option<Timestamp>,
    /// The party that revoked it.
    #[field(read = MEMBERS)]
    pub revoked_by: Option<RevokedBy>,
    /// Time at which the tenant's own people restored a former member.
    ///
    /// Until that person calls again, the copies of name and address stay as the tenant knew them.
    #[field(read = MEMBERS, silent)]
    pub regranted_at: Option<Timestamp>,
    /// Language of the invitation that it was accepted by, in which the platform writes to the person.
    #[field(read = MEMBERS, silent)]
    pub language: Option<Language>,
    /// Copy of the tenant's slug.
    #[field(read = MEMBERS, impersonal)]
    pub tenant_slug: String,
    /// Copy of the tenant's name.
    #[field(read = MEMBERS, impersonal)]
    pub tenant_name: String,
    /// The tenant's name in the form that is searched and sorted.
    #[field(derived(tenant_name, Name), read = MEMBERS, impersonal)]
    pub tenant_name_key: String,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last write.
    pub updated_at: Timestamp,
}

impl Membership {
    /// Creates a membership that is in force.
    #[must_use]
    pub fn new(tenant: &Tenant, user: &User, role: MembershipRole, source: GrantSource, now: Timestamp) -> Self {
        let mut membership = Self::blank(tenant.id, user.id, role, source, now);
        membership.copy_tenant(tenant);
        membership.copy_user(user);
        membership
    }

    /// Returns the unique key of a person in a tenant.
    #[must_use]
    pub fn key(tenant: TenantId, user: UserId) -> String {
        format!("member:{tenant}:{user}")
    }

    /// Returns the unique key for a tenant and a user that other reads find.
    #[must_use]
    pub fn key_of(tenant: KeyPart, user: KeyPart) -> Vec<KeyPart> {
        vec![KeyPart::Text("member:".to_owned()), tenant, KeyPart::Text(":".to_owned()), user]
    }

    /// Updates the copies of the tenant's fields. Returns `true` if any changed.
    pub fn copy_tenant(&mut self, tenant: &Tenant) -> bool {
        let same = self.tenant_slug == tenant.slug
            && self.tenant_name == tenant.name
            && self.tenant_name_key == tenant.name_key;
        self.tenant_slug.clone_from(&tenant.slug);
        self.tenant_name.clone_from(&tenant.name);
        self.tenant_name_key.clone_from(&tenant.name_key);
        !same
    }

    /// Updates the copies of the user's fields. Returns `true` if any changed.
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

    /// Lets the tenant see the person's current data, once they have returned or the platform has named them.
    pub fn show_person(&mut self, user: &User) {
        self.regranted_at = None;
        self.copy_user(user);
    }

    /// Returns `true` if the copies of the member's name and address follow the person.
    ///
    /// They do not for a former member, whose name no longer concerns the tenant, nor for one who was restored by
    /// others and has not returned.
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

    /// Revokes it and leaves the tombstone.
    pub fn revoke(&mut self, by: RevokedBy, now: Timestamp) {
        self.active = false;
        self.changed_at = now;
        self.revoked_at = Some(now);
        self.revoked_by = Some(by);
    }

    fn keys(&self) -> Vec<String> {
        vec![Self::key(self.tenant_id, self.user_id)]
    }
}
