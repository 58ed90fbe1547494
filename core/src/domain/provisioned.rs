//! People and groups that an identity provider has pushed by SCIM (RFC 7643).
//!
//! A directory is what one issuer pushes. What follows for access is in users and memberships; these documents keep what the
//! identity provider is answered with, and who is in which group.

use dezky_derive::entity;

use super::{ProvisionedGroupId, ProvisionedMemberId, TenantId, UserId};
use crate::{
    clock::Timestamp,
    store::{Form, Scope},
};

/// A person as pushed. Its id is that of the user.
#[entity(
    /// The collection of people as pushed.
    collection PROVISIONED_USERS = "provisioned_users",
    scope = Scope::TenantAndPerson { tenant: "tenantId", person: "id" },
    keys = Self::keys,
    /// The people of a directory.
    index PROVISIONED_USERS_OF_DIRECTORY = of_directory(directory),
    /// The people that a tenant's own issuer has pushed.
    index PROVISIONED_USERS_OF_TENANT = of_tenant(tenant_id),
)]
#[derive(Debug)]
pub struct ProvisionedUser {
    /// The user.
    pub id: UserId,
    /// Its version.
    pub version: u64,
    /// Id of the issuer that pushes it.
    #[field(impersonal)]
    pub directory: String,
    /// The tenant that the issuer belongs to, if it does.
    pub tenant_id: Option<TenantId>,
    /// Name that the person signs in with.
    #[field(personal)]
    pub user_name: String,
    /// Id of the person at the identity provider.
    #[field(personal)]
    pub external_id: Option<String>,
    /// The other attributes that were pushed and are kept, as JSON.
    #[field(personal)]
    pub attributes: String,
    /// Time at which it was first pushed.
    pub created_at: Timestamp,
    /// Time of the last write.
    pub updated_at: Timestamp,
}

/// A group as pushed, without its members.
#[entity(
    /// The collection of groups as pushed.
    collection PROVISIONED_GROUPS = "provisioned_groups",
    scope = Scope::Tenant("tenantId"),
    keys = Self::keys,
    /// The groups of a directory.
    index PROVISIONED_GROUPS_OF_DIRECTORY = of_directory(directory),
    /// The groups of one name, in all directories.
    index PROVISIONED_GROUPS_BY_NAME = by_name(display_name),
    /// The groups that a tenant's own issuer has pushed.
    index PROVISIONED_GROUPS_OF_TENANT = of_tenant(tenant_id),
)]
#[derive(Debug)]
pub struct ProvisionedGroup {
    /// Its id.
    pub id: ProvisionedGroupId,
    /// Its version.
    pub version: u64,
    /// Id of the issuer that pushes it.
    #[field(impersonal)]
    pub directory: String,
    /// The tenant that the issuer belongs to, if it does.
    pub tenant_id: Option<TenantId>,
    /// Its name, which a tenant names in `authentikGroup`.
    #[field(impersonal)]
    pub display_name: String,
    /// Id of the group at the identity provider.
    #[field(impersonal)]
    pub external_id: Option<String>,
    /// Time at which its members last changed.
    pub members_changed_at: Option<Timestamp>,
    /// Time at which it was first pushed.
    pub created_at: Timestamp,
    /// Time of the last write.
    pub updated_at: Timestamp,
}

/// A member of a group as pushed: one document each, so that a change costs the same in a group of any size.
#[entity(
    /// The collection of members of groups as pushed.
    collection PROVISIONED_MEMBERS = "provisioned_members",
    scope = Scope::TenantAndPerson { tenant: "tenantId", person: "userId" },
    keys = Self::keys,
    /// The members of a group.
    index PROVISIONED_MEMBERS_OF_GROUP = of_group(group_id),
    /// The groups of a person.
    index PROVISIONED_MEMBERS_OF_USER = of_user(user_id),
    /// The members of groups that a tenant's own issuer has pushed.
    index PROVISIONED_MEMBERS_OF_TENANT = of_tenant(tenant_id),
)]
#[derive(Debug)]
pub struct ProvisionedMember {
    /// Its id.
    pub id: ProvisionedMemberId,
    /// Its version.
    pub version: u64,
    /// The tenant that the issuer belongs to, if it does.
    pub tenant_id: Option<TenantId>,
    /// The group.
    pub group_id: ProvisionedGroupId,
    /// The person.
    pub user_id: UserId,
    /// Time at which the person was added.
    pub created_at: Timestamp,
    /// Time of the last write.
    pub updated_at: Timestamp,
}

/// Returns the unique key of an id at the identity provider, of people and of groups.
#[must_use]
pub fn external_key(directory: &str, external_id: &str) -> String {
    format!("external:{directory}:{external_id}")
}

impl ProvisionedUser {
    /// Returns the unique key of a name in a directory. Its case does not matter (RFC 7643 §4.1.1).
    #[must_use]
    pub fn name_key(directory: &str, user_name: &str) -> String {
        format!("name:{directory}:{}", Form::Name.of(user_name))
    }

    fn keys(&self) -> Vec<String> {
        let external = self.external_id.iter().map(|id| external_key(&self.directory, id));
        std::iter::once(Self::name_key(&self.directory, &self.user_name)).chain(external).collect()
    }
}

impl ProvisionedGroup {
    /// Returns the unique key of a name in a directory, compared as tokens' groups are.
    #[must_use]
    pub fn name_key(directory: &str, display_name: &str) -> String {
        format!("name:{directory}:{display_name}")
    }

    fn keys(&self) -> Vec<String> {
        let external = self.external_id.iter().map(|id| external_key(&self.directory, id));
        std::iter::once(Self::name_key(&self.directory, &self.display_name)).chain(external).collect()
    }
}

impl ProvisionedMember {
    /// Creates the membership of a person in a group.
    #[must_use]
    pub fn new(group: &ProvisionedGroup, user: UserId, now: Timestamp) -> Self {
        Self {
            id: ProvisionedMemberId::generate(),
            version: 1,
            tenant_id: group.tenant_id,
            group_id: group.id,
            user_id: user,
            created_at: now,
            updated_at: now,
        }
    }

    /// Returns the unique key of a person in a group.
    #[must_use]
    pub fn key(group: ProvisionedGroupId, user: UserId) -> String {
        format!("in:{group}:{user}")
    }

    fn keys(&self) -> Vec<String> {
        vec![Self::key(self.group_id, self.user_id)]
    }
}
