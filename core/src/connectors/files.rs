//! The file system behind a tenant: a space with a quota, and the group that may edit it.

use std::fmt;

use async_trait::async_trait;

use super::{ConnectorResult, SystemReport};
use crate::{context::RequestContext, domain::TenantId, outbound::Traffic};

/// State of a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpaceState {
    /// In use.
    Enabled,
    /// Disabled: nobody reaches it, and it can be restored.
    Disabled,
}

/// A space for files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Id in the file system.
    pub id: String,
    /// Name.
    pub name: String,
    /// Tenant that our marker names; `None` for a space that is not ours. Managers of the space may change it.
    pub tenant: Option<TenantId>,
    /// Bound of its size in bytes; `None` for no bound.
    pub quota: Option<u64>,
    /// Bytes in use, if the system tells.
    pub used: Option<u64>,
    /// State.
    pub state: SpaceState,
}

/// A space to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSpace {
    /// Tenant, which the marker names.
    pub tenant: TenantId,
    /// Name, cleaned by [`Files::clean_name`].
    pub name: String,
    /// Bound of its size in bytes, at least 1.
    pub quota: u64,
}

/// A change of a space. `None` leaves a value as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpaceChange {
    /// Name, cleaned by [`Files::clean_name`].
    pub name: Option<String>,
    /// Bound of its size in bytes, at least 1.
    pub quota: Option<u64>,
}

/// A group's access to a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Id of the grant.
    pub id: String,
    /// Id of the group; `None` for a person.
    pub group: Option<String>,
    /// `true` if it allows to edit, and not to manage.
    pub editor: bool,
}

/// A file system. Each change may be done twice, but for [`Files::create_space`].
#[async_trait]
pub trait Files: Send + Sync + fmt::Debug {
    /// Checks that the system answers, has a known version, and gives the credential its rights.
    async fn check(&self, context: &RequestContext) -> ConnectorResult<SystemReport>;

    /// Returns the numbers of requests so far.
    fn traffic(&self) -> Traffic;

    /// Returns the form of a name that the system accepts and keeps as it is.
    fn clean_name(&self, name: &str) -> String;

    /// Returns the space with this id, disabled or not.
    async fn space(&self, context: &RequestContext, id: &str) -> ConnectorResult<Option<Space>>;

    /// Returns the space with this id together with who has access to it; nobody, if it is disabled.
    ///
    /// # Errors
    /// As of [`Files::grants`].
    async fn space_with_grants(
        &self,
        context: &RequestContext,
        id: &str,
    ) -> ConnectorResult<Option<(Space, Vec<Grant>)>>;

    /// Returns the spaces whose marker names this tenant, disabled ones too. More than one is for a person to sort out.
    async fn spaces_of(&self, context: &RequestContext, tenant: TenantId) -> ConnectorResult<Vec<Space>>;

    /// Creates a space. The system makes a second one if asked twice, so the caller looks first and stores the id.
    async fn create_space(&self, context: &RequestContext, space: &NewSpace) -> ConnectorResult<Space>;

    /// Changes a space.
    async fn update_space(&self, context: &RequestContext, id: &str, change: &SpaceChange) -> ConnectorResult<()>;

    /// Disables a space. A disabled one stays so.
    async fn disable_space(&self, context: &RequestContext, id: &str) -> ConnectorResult<()>;

    /// Restores a disabled space. An enabled one stays so.
    async fn restore_space(&self, context: &RequestContext, id: &str) -> ConnectorResult<()>;

    /// Removes a disabled space with its files. An absent one is removed.
    async fn purge_space(&self, context: &RequestContext, id: &str) -> ConnectorResult<()>;

    /// Returns the id of the group of exactly this name. Groups come from the identity system, with a delay.
    async fn group_named(&self, context: &RequestContext, name: &str) -> ConnectorResult<Option<String>>;

    /// Creates a group of this name, which is the one that signing in would create. Returns its id.
    ///
    /// # Errors
    /// `Conflict` when there is one meanwhile. `Unauthorized` without the right to create groups: the group then appears when
    /// the first of its people signs in.
    async fn create_group(&self, context: &RequestContext, name: &str) -> ConnectorResult<String>;

    /// Returns who has access to a space.
    async fn grants(&self, context: &RequestContext, space: &str) -> ConnectorResult<Vec<Grant>>;

    /// Gives a group access as editor, or changes its access to that.
    async fn grant(&self, context: &RequestContext, space: &str, group: &str) -> ConnectorResult<()>;

    /// Removes an access. An absent one is removed.
    async fn revoke(&self, context: &RequestContext, space: &str, grant: &str) -> ConnectorResult<()>;
}
