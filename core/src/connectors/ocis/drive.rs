//! Spaces as the system shows them.

use serde::{Deserialize, de::IgnoredAny};

use super::{
    exchange::{incompatible, rejected, required},
    names::marked_tenant,
};
use crate::connectors::{ConnectorResult, Grant, Space, SpaceState};

/// Role that allows to edit and not to manage.
pub(super) const EDITOR: &str = "58c63c02-1d89-4572-916a-870abc5a1b7d";

/// Name of the same role where roles are named.
const EDITOR_NAME: &str = "editor";

/// Name of the role that allows to manage.
const MANAGER_NAME: &str = "manager";

/// A space. What this client needs is checked when it is used, so that the error names it.
#[derive(Debug, Deserialize)]
pub(super) struct Drive {
    pub(super) id: Option<String>,
    name: Option<String>,
    #[serde(rename = "driveType")]
    kind: Option<String>,
    pub(super) description: Option<String>,
    quota: Option<Quota>,
    root: Option<Root>,
}

#[derive(Debug, Deserialize)]
struct Quota {
    total: Option<i64>,
    used: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Root {
    deleted: Option<Deleted>,
    permissions: Option<Vec<Permission>>,
}

/// Present for a space that is disabled.
#[derive(Debug, Deserialize)]
struct Deleted {}

/// Access of a person or a group, or a public link.
#[derive(Debug, Deserialize)]
pub(super) struct Permission {
    id: Option<String>,
    #[serde(rename = "grantedToV2")]
    granted_to: Option<Grantee>,
    roles: Option<Vec<String>>,
    /// Actions that a permission without a role allows.
    #[serde(rename = "@libre.graph.permissions.actions")]
    actions: Option<IgnoredAny>,
    #[serde(rename = "expirationDateTime")]
    expires: Option<String>,
    link: Option<Link>,
}

#[derive(Debug, Deserialize)]
struct Grantee {
    group: Option<Holder>,
    user: Option<Holder>,
}

#[derive(Debug, Deserialize)]
struct Holder {
    id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Link {}

/// A grant, with what only this client needs to know.
#[derive(Debug)]
pub(super) struct HeldGrant {
    pub(super) grant: Grant,
    /// `true` if the access ends by itself.
    pub(super) expires: bool,
}

impl Drive {
    /// Reads a space of a tenant.
    pub(super) fn space(&self) -> ConnectorResult<Space> {
        let id = required(self.id.clone(), "id")?;
        let kind = required(self.kind.as_deref(), "driveType")?;
        if kind != "project" {
            return Err(rejected(format!(
                "`{id}` is a space of type `{kind}` and not of a tenant: correct the stored id"
            )));
        }
        let quota = required(self.quota.as_ref(), "quota")?;
        let total = required(quota.total, "quota.total")?;
        let root = required(self.root.as_ref(), "root")?;
        Ok(Space {
            name: required(self.name.clone(), "name")?,
            tenant: self.description.as_deref().and_then(marked_tenant),
            quota: bytes(total)?.filter(|total| *total > 0),
            used: quota.used.map(bytes).transpose()?.flatten(),
            state: if root.deleted.is_some() { SpaceState::Disabled } else { SpaceState::Enabled },
            id,
        })
    }

    /// Returns the members, of disabled spaces too. Their ids follow from those of people and groups.
    pub(super) fn members(&self) -> ConnectorResult<Vec<HeldGrant>> {
        let root = required(self.root.as_ref(), "root")?;
        let permissions = required(root.permissions.as_ref(), "root.permissions")?;
        permissions.iter().filter(|permission| !permission.is_link()).map(Permission::by_name).collect()
    }

    /// Returns the members, if all can be read and an account is a manager among them.
    pub(super) fn members_if_managed_by(&self, account: &str) -> Option<Vec<HeldGrant>> {
        let mut permissions = self.root.as_ref()?.permissions.as_ref()?.iter();
        if permissions.any(|permission| permission.makes_manager(account)) { self.members().ok() } else { None }
    }
}

/// Reads a number of bytes.
fn bytes(number: i64) -> ConnectorResult<Option<u64>> {
    match u64::try_from(number) {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(incompatible("the file system names a negative size in `quota`".to_owned())),
    }
}

impl Permission {
    /// Returns `true` for a public link, which is nobody's grant.
    pub(super) fn is_link(&self) -> bool {
        self.link.is_some() && self.granted_to.is_none()
    }

    /// Returns `true` if an account manages the space by this permission.
    fn makes_manager(&self, account: &str) -> bool {
        let user = self.granted_to.as_ref().and_then(|holder| holder.user.as_ref()).and_then(|user| user.id.as_deref());
        user == Some(account) && self.roles.iter().flatten().any(|role| role == MANAGER_NAME)
    }

    /// Reads a permission, whose role is an id.
    pub(super) fn by_id(&self) -> ConnectorResult<HeldGrant> {
        let id = required(self.id.clone(), "id")?;
        let (group, _) = self.holder()?;
        if self.actions.is_none() {
            required(self.roles.as_ref(), "roles")?;
        }
        Ok(self.held(id, group, EDITOR))
    }

    /// Reads a member of a list of spaces, whose role is a name.
    fn by_name(&self) -> ConnectorResult<HeldGrant> {
        let (group, id) = self.holder()?;
        Ok(self.held(id, group, EDITOR_NAME))
    }

    /// Returns the group, if it is one, and the id that the permission of this holder has.
    fn holder(&self) -> ConnectorResult<(Option<String>, String)> {
        let holder = required(self.granted_to.as_ref(), "grantedToV2")?;
        match (&holder.group, &holder.user) {
            (Some(group), _) => {
                let id = required(group.id.clone(), "grantedToV2.group.id")?;
                Ok((Some(id.clone()), format!("g:{id}")))
            }
            (None, user) => {
                let user = required(user.as_ref(), "grantedToV2.user")?;
                Ok((None, format!("u:{}", required(user.id.as_deref(), "grantedToV2.user.id")?)))
            }
        }
    }

    fn held(&self, id: String, group: Option<String>, editor: &str) -> HeldGrant {
        let expires = self.expires.is_some();
        let only_editor = self.roles.iter().flatten().map(String::as_str).eq([editor]);
        HeldGrant { grant: Grant { id, group, editor: only_editor && !expires }, expires }
    }
}
