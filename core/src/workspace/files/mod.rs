//! The file system: the tenant's space, its quota, and the group that edits it.

use crate::{
    connectors::{ConnectorError, ConnectorResult, Files, Grant, NewSpace, Space, SpaceChange, SpaceState},
    context::RequestContext,
    workspace::{
        desired::{DesiredSpace, Presence},
        plan::Plan,
    },
};

/// Type of the condition about the space.
pub const SPACE_READY: &str = "SpaceReady";

/// Type of the condition about the group's access to the space.
pub const ACCESS_READY: &str = "AccessReady";

/// The spaces that concern a tenant, as they are in the file system.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ObservedSpace {
    /// The space whose id is stored, if it still exists.
    pub stored: Option<Space>,
    /// Spaces whose marker names the tenant. Not looked for while the stored one exists.
    pub marked: Vec<Space>,
    /// Accesses to the space.
    pub grants: Vec<Grant>,
    /// Id of the group that edits it, in the file system.
    pub group: Option<String>,
}

impl ObservedSpace {
    /// Returns the space of the tenant: the stored one, or else the only one with its marker.
    #[must_use]
    pub fn ours(&self) -> Option<&Space> {
        self.stored.as_ref().or(match self.marked.as_slice() {
            [only] => Some(only),
            _ => None,
        })
    }
}

/// A change of the space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpaceAction {
    /// Creates the space.
    Create,
    /// Restores the disabled space.
    Restore(String),
    /// Changes name or quota.
    Update(String, SpaceChange),
    /// Creates the group, which signing in would create later.
    CreateGroup,
    /// Lets the group edit the space.
    Grant {
        /// Id of the space.
        space: String,
        /// Id of the group.
        group: String,
    },
    /// Disables the space.
    Disable(String),
    /// Removes the disabled space with its files.
    Purge(String),
}

impl SpaceAction {
    /// Returns the name of the change in the audit trail.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create => "space.create",
            Self::Restore(_) => "space.restore",
            Self::Update(..) => "space.update",
            Self::CreateGroup => "space.create_group",
            Self::Grant { .. } => "space.grant",
            Self::Disable(_) => "space.disable",
            Self::Purge(_) => "space.purge",
        }
    }
}

/// Observes the spaces that concern a tenant.
///
/// A `known` id of the group is not looked for again while that group edits the space.
///
/// # Errors
/// The connector's.
pub async fn observe(
    files: &dyn Files,
    context: &RequestContext,
    desired: &DesiredSpace,
    stored: Option<&str>,
    known: Option<&str>,
) -> ConnectorResult<ObservedSpace> {
    let is_used = desired.presence == Presence::Active;
    let (stored, grants) = match stored {
        Some(id) if is_used => files.space_with_grants(context, id).await?.unzip(),
        Some(id) => (files.space(context, id).await?, None),
        None => (None, None),
    };
    let marked = if stored.is_none() { files.spaces_of(context, desired.tenant).await? } else { Vec::new() };
    let mut observed = ObservedSpace { stored, marked, ..ObservedSpace::default() };
    let enabled = observed.ours().filter(|space| space.state == SpaceState::Enabled).map(|space| space.id.clone());
    let Some(space) = enabled.filter(|_| is_used) else { return Ok(observed) };
    observed.grants = match grants {
        Some(grants) => grants,
        None => files.grants(context, &space).await?,
    };
    observed.group = match known.filter(|group| observed.grants.iter().any(|grant| edits(grant, group))) {
        Some(known) => Some(known.to_owned()),
        None => files.group_named(context, &desired.group).await?,
    };
    Ok(observed)
}

/// Returns `true` if a grant lets a group edit, and not manage.
fn edits(grant: &Grant, group: &str) -> bool {
    grant.group.as_deref() == Some(group) && grant.editor
}

/// Compares the desired space with the observed ones.
#[must_use]
pub fn plan(
    desired: &DesiredSpace,
    observed: &ObservedSpace,
    clean_name: impl Fn(&str) -> String,
) -> Plan<SpaceAction> {
    let mut plan = Plan::default();
    if observed.stored.is_none() && observed.marked.len() > 1 {
        let ids = observed.marked.iter().map(|space| format!("`{}`", space.id)).collect::<Vec<_>>().join(", ");
        let message = format!(
            "several spaces carry the marker of this tenant: keep one of {ids} and remove the description of the others"
        );
        plan.blocked(SPACE_READY, "SeveralSpaces", message);
        return plan;
    }
    let ours = observed.ours();
    match (ours, desired.presence) {
        (None, Presence::Active) => plan.change(SpaceAction::Create),
        (None, Presence::Suspended | Presence::Absent) => {}
        (Some(space), Presence::Suspended) => {
            if space.state == SpaceState::Enabled {
                plan.change(SpaceAction::Disable(space.id.clone()));
            }
        }
        (Some(space), Presence::Absent) => {
            if space.state == SpaceState::Enabled {
                plan.change(SpaceAction::Disable(space.id.clone()));
            }
            plan.change(SpaceAction::Purge(space.id.clone()));
        }
        (Some(space), Presence::Active) => plan_active(desired, observed, space, &clean_name(&desired.name), &mut plan),
    }
    plan
}

fn plan_active(
    desired: &DesiredSpace,
    observed: &ObservedSpace,
    space: &Space,
    name: &str,
    plan: &mut Plan<SpaceAction>,
) {
    if space.state == SpaceState::Disabled {
        // What follows can be seen once it is restored.
        return plan.change(SpaceAction::Restore(space.id.clone()));
    }
    let change = SpaceChange {
        name: (space.name != name).then(|| name.to_owned()),
        quota: (space.quota != Some(desired.quota)).then_some(desired.quota),
    };
    if change != SpaceChange::default() {
        plan.change(SpaceAction::Update(space.id.clone(), change));
    }
    match &observed.group {
        None => plan.change(SpaceAction::CreateGroup),
        Some(group) => {
            if !observed.grants.iter().any(|grant| edits(grant, group)) {
                plan.change(SpaceAction::Grant { space: space.id.clone(), group: group.clone() });
            }
        }
    }
}

/// Applies a change. Returns the id of the space after it; `None` once it is gone.
///
/// # Errors
/// The connector's.
pub async fn apply(
    files: &dyn Files,
    context: &RequestContext,
    desired: &DesiredSpace,
    change: &SpaceAction,
) -> ConnectorResult<Option<String>> {
    match change {
        SpaceAction::Create => {
            let name = files.clean_name(&desired.name);
            let space = NewSpace { tenant: desired.tenant, name, quota: desired.quota };
            return files.create_space(context, &space).await.map(|space| Some(space.id));
        }
        SpaceAction::Restore(id) => files.restore_space(context, id).await?,
        SpaceAction::Update(id, change) => files.update_space(context, id, change).await?,
        SpaceAction::CreateGroup => match files.create_group(context, &desired.group).await {
            // Somebody has signed in meanwhile.
            Ok(_) | Err(ConnectorError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        },
        SpaceAction::Grant { space, group } => files.grant(context, space, group).await?,
        SpaceAction::Disable(id) => files.disable_space(context, id).await?,
        SpaceAction::Purge(id) => {
            files.purge_space(context, id).await?;
            return Ok(None);
        }
    }
    Ok(match change {
        SpaceAction::Restore(id) | SpaceAction::Update(id, _) | SpaceAction::Disable(id) => Some(id.clone()),
        SpaceAction::Grant { space, .. } => Some(space.clone()),
        _ => None,
    })
}
