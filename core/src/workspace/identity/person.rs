//! One person in the tenant's group.

use crate::{
    connectors::{ConnectorResult, Identity, Person},
    context::RequestContext,
    workspace::plan::Plan,
};

/// Type of the condition about a person.
pub const PERSON_READY: &str = "PersonReady";

/// A person as they should be in the group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DesiredPerson {
    /// Id of the group.
    pub group: String,
    /// Subject under which tokens name the person.
    pub subject: String,
    /// `true` if the person belongs to the group.
    pub member: bool,
    /// `true` if the membership came from the group, or ended with it, so that the group decides.
    pub by_claim: bool,
}

/// A change of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonChange {
    /// Adds the person to the group.
    Add {
        /// Id of the person.
        person: String,
    },
    /// Ends the membership here, since the person is not in the group that it came from.
    Revoke,
    /// Removes the person from the group.
    Remove {
        /// Id of the person.
        person: String,
    },
}

impl PersonChange {
    /// Returns the name of the change in the audit trail.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Add { .. } => "group.add",
            Self::Revoke => "membership.revoke",
            Self::Remove { .. } => "group.remove",
        }
    }
}

/// Observes the person.
///
/// # Errors
/// The connector's.
pub async fn observe(
    identity: &dyn Identity,
    context: &RequestContext,
    desired: &DesiredPerson,
) -> ConnectorResult<Option<Person>> {
    identity.person(context, &desired.subject).await
}

/// Compares the person with the group.
#[must_use]
pub fn plan(desired: &DesiredPerson, observed: Option<&Person>) -> Plan<PersonChange> {
    let mut plan = Plan::default();
    match observed {
        None if desired.member => {
            let message = "the identity system does not know this person: they were deleted there, or signed in through another issuer";
            plan.blocked(PERSON_READY, "UnknownPerson", message);
        }
        None => {}
        Some(person) => {
            let is_member = person.groups.contains(&desired.group);
            match (desired.member, is_member) {
                // Put back by Dezky, they would have what somebody has just taken from them there.
                (true, false) if desired.by_claim => plan.change(PersonChange::Revoke),
                (true, false) => plan.change(PersonChange::Add { person: person.id.clone() }),
                // The claim of the next sign-in restores a membership that ended with the claim.
                (false, true) if desired.by_claim => {}
                (false, true) => plan.change(PersonChange::Remove { person: person.id.clone() }),
                (true, true) | (false, false) => {}
            }
        }
    }
    plan
}

/// Applies a change.
///
/// # Errors
/// The connector's.
pub async fn apply(
    identity: &dyn Identity,
    context: &RequestContext,
    desired: &DesiredPerson,
    change: &PersonChange,
) -> ConnectorResult<()> {
    match change {
        // Not a change of the identity system.
        PersonChange::Revoke => Ok(()),
        PersonChange::Add { person } => identity.add_member(context, &desired.group, person).await,
        PersonChange::Remove { person } => identity.remove_member(context, &desired.group, person).await,
    }
}
