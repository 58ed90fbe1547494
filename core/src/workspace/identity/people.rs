//! All people of the tenant's group, compared with the tenant's members at every look.

use std::collections::{HashMap, HashSet};

use crate::{
    connectors::Person,
    domain::{RevokedBy, UserId},
};

/// Type of the condition about the people of the group.
pub const PEOPLE_READY: &str = "PeopleReady";

/// A person whom the tenant knows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnownPerson {
    /// The user.
    pub user: UserId,
    /// Subject under which tokens name the person.
    pub subject: String,
    /// `true` if the person belongs to the group.
    pub member: bool,
    /// The party that revoked the membership, if it is revoked.
    pub revoked_by: Option<RevokedBy>,
}

/// Returns the people who differ, to be looked at one by one.
///
/// People in the group whom the tenant does not know stay: they become members when they sign in. So do those whose membership
/// ended with the group before, and who were put into it again.
#[must_use]
pub fn differing(known: &[KnownPerson], observed: &[Person]) -> Vec<UserId> {
    let by_subject: HashMap<&str, &KnownPerson> =
        known.iter().map(|person| (person.subject.as_str(), person)).collect();
    let mut present = HashSet::new();
    let mut differing = Vec::new();
    for person in observed {
        let Some(known) = person.subjects.iter().find_map(|subject| by_subject.get(subject.as_str())) else { continue };
        present.insert(known.user);
        if !known.member && known.revoked_by != Some(RevokedBy::Claim) {
            differing.push(known.user);
        }
    }
    differing.extend(known.iter().filter(|one| one.member && !present.contains(&one.user)).map(|one| one.user));
    differing
}
