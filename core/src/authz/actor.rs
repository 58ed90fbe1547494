//! Who asks, and about what: the facts that a decision rests on, all of them from the database.

use crate::domain::{GrantSource, MembershipRole, TenantStatus, User};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor<'a> {
    /// A named system actor: operators' commands, scripts, the platform's own work.
    System,
    /// A person.
    User {
        /// Whether the person is refused everywhere.
        disabled: bool,
        /// Whether the person administers the platform.
        platform: PlatformRight,
        /// Slug of the one tenant to which the issuer of the token is bound, if it is.
        bound_to: Option<&'a str>,
    },
}

/// The right to administer the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlatformRight {
    /// Not there.
    #[default]
    None,
    /// For as long as the person's tokens name the group.
    ByClaim,
    /// Given by a person or the system; it outlives whatever tokens say.
    Lasting,
}

impl PlatformRight {
    /// The right that a user has.
    #[must_use]
    pub fn of(user: &User) -> Self {
        match (user.platform_admin, user.platform_admin_source) {
            (false, _) => Self::None,
            (true, Some(GrantSource::Claim)) => Self::ByClaim,
            (true, _) => Self::Lasting,
        }
    }
}

/// What is known of the tenant in question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantFacts<'a> {
    /// Its slug.
    pub slug: &'a str,
    /// Its state.
    pub status: TenantStatus,
}

/// What is known of the membership in question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TargetFacts {
    /// The role that it has now, if it is in force.
    pub current: Option<MembershipRole>,
    /// The role that it is to have.
    pub wanted: Option<MembershipRole>,
    /// Whether it is the tenant's only owner's.
    pub last_owner: bool,
}

/// About what is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resource<'a> {
    /// The tenant, where the action concerns one that exists.
    pub tenant: Option<TenantFacts<'a>>,
    /// The actor's own role in that tenant, if in force.
    pub role: Option<MembershipRole>,
    /// Whether it is the actor's own user.
    pub oneself: bool,
    /// The membership that the action changes.
    pub target: TargetFacts,
    /// Whether the action is about somebody who administers the platform by a lasting right, or is to.
    pub lasting_admin: bool,
    /// The fields that the action sets.
    pub fields: &'a [&'static str],
}
