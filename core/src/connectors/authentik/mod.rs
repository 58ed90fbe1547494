//! Client of Authentik 2025.12 to 2026.x (REST, `/api/v3`).
//!
//! Groups of tenants carry the attribute [`MARKER`]. See `docs/design/connectors-authentik.md`.

mod answer;
mod applications;
mod brands;
mod catalogue;
mod check;
mod groups;
mod list;
mod login;
mod people;
mod providers;
mod release;

use std::fmt;

use async_trait::async_trait;

use super::{ConnectorResult, ConnectorSettings, Group, Identity, Login, NewLogin, OldLogin, Person, SystemReport};
use crate::{
    context::RequestContext,
    domain::TenantId,
    outbound::{OriginClient, Traffic},
};
use people::KnownPeople;

/// Attribute of groups and brands that names their tenant.
pub const MARKER: &str = "dezky_tenant_id";

/// Client of Authentik.
pub struct Authentik {
    client: OriginClient,
    objects: LoginObjects,
    known: KnownPeople,
}

/// Objects of an installation that the logins of tenants use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginObjects {
    /// Slug of the flow that authorizes a client. Default: `default-provider-authorization-implicit-consent`.
    pub authorization_flow: String,
    /// Slug of the flow that ends a session. Default: `default-provider-invalidation-flow`.
    pub invalidation_flow: String,
    /// Name of the key pair that signs tokens. Default: `authentik Self-signed Certificate`.
    pub signing_key: String,
}

impl Default for LoginObjects {
    fn default() -> Self {
        Self {
            authorization_flow: "default-provider-authorization-implicit-consent".to_owned(),
            invalidation_flow: "default-provider-invalidation-flow".to_owned(),
            signing_key: "authentik Self-signed Certificate".to_owned(),
        }
    }
}

impl fmt::Debug for Authentik {
    /// Formats without the people that the client remembers.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Authentik")
            .field("client", &self.client)
            .field("objects", &self.objects)
            .finish_non_exhaustive()
    }
}

impl Authentik {
    /// Creates a client with the objects of a fresh installation for logins.
    ///
    /// # Errors
    /// [`Rejected`](super::ConnectorError::Rejected) when the URL or the credential cannot be used.
    pub fn new(settings: &ConnectorSettings) -> ConnectorResult<Self> {
        Self::with_login_objects(settings, LoginObjects::default())
    }

    /// Creates a client with other objects for logins.
    ///
    /// # Errors
    /// As [`Authentik::new`].
    pub fn with_login_objects(settings: &ConnectorSettings, objects: LoginObjects) -> ConnectorResult<Self> {
        Ok(Self { client: settings.client()?, objects, known: KnownPeople::default() })
    }
}

#[async_trait]
impl Identity for Authentik {
    fn traffic(&self) -> Traffic {
        self.client.traffic()
    }

    async fn check(&self, context: &RequestContext) -> ConnectorResult<SystemReport> {
        self.report(context).await
    }

    async fn group(&self, context: &RequestContext, id: &str) -> ConnectorResult<Option<Group>> {
        self.read_group(context, id).await
    }

    async fn group_with_people(
        &self,
        context: &RequestContext,
        id: &str,
    ) -> ConnectorResult<Option<(Group, Vec<Person>)>> {
        self.group_and_people(context, id).await
    }

    async fn groups_of(&self, context: &RequestContext, tenant: TenantId) -> ConnectorResult<Vec<Group>> {
        self.marked_groups(context, tenant).await
    }

    async fn group_named(&self, context: &RequestContext, name: &str) -> ConnectorResult<Option<Group>> {
        self.find_group(context, name).await
    }

    async fn create_group(&self, context: &RequestContext, name: &str, tenant: TenantId) -> ConnectorResult<Group> {
        self.add_group(context, name, tenant).await
    }

    async fn rename_group(&self, context: &RequestContext, id: &str, name: &str) -> ConnectorResult<()> {
        self.change_group_name(context, id, name).await
    }

    async fn delete_group(&self, context: &RequestContext, id: &str) -> ConnectorResult<()> {
        self.remove_group(context, id).await
    }

    async fn members(&self, context: &RequestContext, group: &str) -> ConnectorResult<Vec<Person>> {
        self.people_in(context, group).await
    }

    async fn person(&self, context: &RequestContext, subject: &str) -> ConnectorResult<Option<Person>> {
        self.find_person(context, subject).await
    }

    async fn add_member(&self, context: &RequestContext, group: &str, person: &str) -> ConnectorResult<()> {
        self.join(context, group, person).await
    }

    async fn remove_member(&self, context: &RequestContext, group: &str, person: &str) -> ConnectorResult<()> {
        self.leave(context, group, person).await
    }

    async fn login(&self, context: &RequestContext, slug: &str) -> ConnectorResult<Option<Login>> {
        self.read_login(context, slug).await
    }

    async fn create_login(&self, context: &RequestContext, login: &NewLogin) -> ConnectorResult<Login> {
        self.complete_login(context, login).await
    }

    async fn delete_login(&self, context: &RequestContext, login: &OldLogin) -> ConnectorResult<()> {
        self.remove_login(context, login).await
    }
}
