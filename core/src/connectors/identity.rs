//! The identity system behind a tenant: its group, the people in it, and optionally a login of its own.

use std::fmt;

use async_trait::async_trait;

use super::{ConnectorResult, SystemReport};
use crate::{context::RequestContext, domain::TenantId, outbound::Traffic};

/// A group of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Id in the identity system.
    pub id: String,
    /// Name, as tokens carry it.
    pub name: String,
    /// Tenant that our marker names; `None` for a group that is not ours.
    pub tenant: Option<TenantId>,
}

/// A person in the identity system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Id for the calls of this trait.
    pub id: String,
    /// Subjects under which tokens may name the person, one for each way to form them.
    pub subjects: Vec<String>,
    /// `true` if the person may sign in.
    pub active: bool,
    /// Ids of the groups that the person is in; empty where the call does not read them.
    pub groups: Vec<String>,
}

/// A login of a tenant's own: a provider with its application and brand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Id of the provider.
    pub provider: String,
    /// Slug of the application; part of the issuer, so that it never changes.
    pub application: String,
    /// Name shown to people.
    pub name: String,
    /// Id of the brand.
    pub brand: Option<String>,
    /// Host name of the brand, if the brand leads to the application.
    pub host: Option<String>,
    /// The address that sign-ins return to; `None` if it is not exactly one.
    pub returns_to: Option<String>,
    /// `true` if its tokens are signed with a key and not with the secret of the client.
    pub signs: bool,
    /// Issuer of its tokens, trailing slash included.
    pub issuer: String,
    /// Client id, which is the audience of its tokens.
    pub client_id: String,
}

/// A login to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLogin {
    /// Tenant.
    pub tenant: TenantId,
    /// Slug of the tenant.
    pub slug: String,
    /// Name shown to people.
    pub name: String,
    /// Host name that people sign in for, such as `acme.example.eu`.
    pub host: String,
    /// Address that a sign-in returns to.
    pub redirect_uri: String,
    /// Id of the group whose members may sign in.
    pub group: String,
}

/// A login to delete, whatever of it there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldLogin {
    /// Tenant.
    pub tenant: TenantId,
    /// Slug of the tenant when the login was created.
    pub slug: String,
    /// Id of the brand, if it is known. It is not deleted without the marker.
    pub brand: Option<String>,
}

/// An identity system. Each change may be done twice.
#[async_trait]
pub trait Identity: Send + Sync + fmt::Debug {
    /// Checks that the system answers, has a known version, and gives the credential its rights.
    async fn check(&self, context: &RequestContext) -> ConnectorResult<SystemReport>;

    /// Returns the numbers of requests so far.
    fn traffic(&self) -> Traffic;

    /// Returns the group with this id.
    async fn group(&self, context: &RequestContext, id: &str) -> ConnectorResult<Option<Group>>;

    /// Returns the group with this id together with the people in it.
    async fn group_with_people(
        &self,
        context: &RequestContext,
        id: &str,
    ) -> ConnectorResult<Option<(Group, Vec<Person>)>>;

    /// Returns the groups whose marker names this tenant. More than one is for a person to sort out.
    async fn groups_of(&self, context: &RequestContext, tenant: TenantId) -> ConnectorResult<Vec<Group>>;

    /// Returns the group with exactly this name, ours or not.
    async fn group_named(&self, context: &RequestContext, name: &str) -> ConnectorResult<Option<Group>>;

    /// Creates the group of a tenant, with its marker.
    ///
    /// # Errors
    /// `Conflict` with the id of a group of this name, which the caller looks at before it adopts it.
    async fn create_group(&self, context: &RequestContext, name: &str, tenant: TenantId) -> ConnectorResult<Group>;

    /// Renames a group.
    async fn rename_group(&self, context: &RequestContext, id: &str, name: &str) -> ConnectorResult<()>;

    /// Deletes a group. An absent one is deleted.
    async fn delete_group(&self, context: &RequestContext, id: &str) -> ConnectorResult<()>;

    /// Returns the people in a group, all pages of them.
    async fn members(&self, context: &RequestContext, group: &str) -> ConnectorResult<Vec<Person>>;

    /// Returns the person whose tokens have this subject.
    async fn person(&self, context: &RequestContext, subject: &str) -> ConnectorResult<Option<Person>>;

    /// Adds a person to a group.
    async fn add_member(&self, context: &RequestContext, group: &str, person: &str) -> ConnectorResult<()>;

    /// Removes a person from a group. An absent one is removed.
    async fn remove_member(&self, context: &RequestContext, group: &str, person: &str) -> ConnectorResult<()>;

    /// Returns the tenant's own login, if there is one.
    async fn login(&self, context: &RequestContext, slug: &str) -> ConnectorResult<Option<Login>>;

    /// Creates the tenant's own login, or what is missing of it.
    ///
    /// # Errors
    /// `Conflict` when an application or a provider of its name is not ours.
    async fn create_login(&self, context: &RequestContext, login: &NewLogin) -> ConnectorResult<Login>;

    /// Deletes the tenant's own login, or what there is of it. An absent one is deleted.
    async fn delete_login(&self, context: &RequestContext, login: &OldLogin) -> ConnectorResult<()>;
}
