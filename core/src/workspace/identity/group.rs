//! The tenant's group.

use crate::{
    connectors::{ConnectorResult, Group, Identity, Person},
    context::RequestContext,
    workspace::{
        desired::{DesiredGroup, Presence},
        plan::Plan,
    },
};

/// Type of the condition about the group.
pub const GROUP_READY: &str = "GroupReady";

/// The groups that concern a tenant, as they are in the identity system.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ObservedGroup {
    /// The group whose id is stored, if it still exists.
    pub stored: Option<Group>,
    /// Groups whose marker names the tenant.
    pub marked: Vec<Group>,
    /// The group of the desired name, ours or not.
    pub named: Option<Group>,
    /// The people in the stored group, if they were asked for.
    pub people: Option<Vec<Person>>,
}

impl ObservedGroup {
    /// Returns the group of the tenant: the stored one, or else the only one with its marker.
    #[must_use]
    pub fn ours(&self) -> Option<&Group> {
        self.stored.as_ref().or(match self.marked.as_slice() {
            [only] => Some(only),
            _ => None,
        })
    }
}

/// A change of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupChange {
    /// Creates the group.
    Create,
    /// Renames the group.
    Rename {
        /// Id of the group.
        id: String,
    },
    /// Deletes the group.
    Delete {
        /// Id of the group.
        id: String,
    },
}

impl GroupChange {
    /// Returns the name of the change in the audit trail.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create => "group.create",
            Self::Rename { .. } => "group.rename",
            Self::Delete { .. } => "group.delete",
        }
    }
}

/// Observes the groups that concern a tenant, and the people in the stored one if they are asked for.
///
/// # Errors
/// The connector's.
pub async fn observe(
    identity: &dyn Identity,
    context: &RequestContext,
    desired: &DesiredGroup,
    stored: Option<&str>,
    with_people: bool,
) -> ConnectorResult<ObservedGroup> {
    let (stored, people) = match stored {
        Some(id) if with_people => identity.group_with_people(context, id).await?.unzip(),
        Some(id) => (identity.group(context, id).await?, None),
        None => (None, None),
    };
    let settled = stored.as_ref().is_some_and(|group| group.name == desired.name);
    if settled {
        return Ok(ObservedGroup { stored, people, ..ObservedGroup::default() });
    }
    // Without a group of its own, one may have been created by an attempt whose answer was lost.
    let marked = if stored.is_none() { identity.groups_of(context, desired.tenant).await? } else { Vec::new() };
    let named = match desired.presence {
        Presence::Absent => None,
        _ if marked.iter().any(|group| group.name == desired.name) => None,
        _ => identity.group_named(context, &desired.name).await?,
    };
    Ok(ObservedGroup { stored, marked, named, people })
}

/// Compares the desired group with the observed ones.
#[must_use]
pub fn plan(desired: &DesiredGroup, observed: &ObservedGroup) -> Plan<GroupChange> {
    let mut plan = Plan::default();
    if observed.stored.is_none() && observed.marked.len() > 1 {
        let ids = observed.marked.iter().map(|group| format!("`{}`", group.id)).collect::<Vec<_>>().join(", ");
        let message =
            format!("several groups carry the marker of this tenant: keep one of {ids} and delete the others");
        plan.blocked(GROUP_READY, "SeveralGroups", message);
        return plan;
    }
    let ours = observed.ours();
    if let Some(other) = ours.and_then(|group| group.tenant).filter(|tenant| *tenant != desired.tenant) {
        let message = format!(
            "the group of this tenant carries the marker of tenant `{other}`: correct `attributes.dezky_tenant_id`"
        );
        plan.blocked(GROUP_READY, "ForeignMarker", message);
        return plan;
    }
    match (ours, desired.presence) {
        (Some(group), Presence::Absent) => plan.change(GroupChange::Delete { id: group.id.clone() }),
        (None, Presence::Absent) => {}
        (Some(group), _) if group.name == desired.name => {}
        // A group of the name that is not ours is never adopted.
        (ours, _) if observed.named.as_ref().is_some_and(|named| ours.is_none_or(|group| group.id != named.id)) => {
            let name = &desired.name;
            let message = format!(
                "the identity system has a group `{name}` that is not this tenant's: rename it, or hand it over by setting its \
                 attribute `dezky_tenant_id` to `{}`",
                desired.tenant
            );
            plan.blocked(GROUP_READY, "ForeignGroup", message);
        }
        (Some(group), _) => plan.change(GroupChange::Rename { id: group.id.clone() }),
        (None, _) => plan.change(GroupChange::Create),
    }
    plan
}

/// Applies a change. Returns the id of the group after it.
///
/// # Errors
/// The connector's.
pub async fn apply(
    identity: &dyn Identity,
    context: &RequestContext,
    desired: &DesiredGroup,
    change: &GroupChange,
) -> ConnectorResult<Option<String>> {
    match change {
        GroupChange::Create => {
            identity.create_group(context, &desired.name, desired.tenant).await.map(|group| Some(group.id))
        }
        GroupChange::Rename { id } => {
            identity.rename_group(context, id, &desired.name).await.map(|()| Some(id.clone()))
        }
        GroupChange::Delete { id } => identity.delete_group(context, id).await.map(|()| None),
    }
}
