//! The facts that a decision rests on: the actor and the resource, all from the database.

use crate::domain::{GrantSource, MembershipRole, TenantStatus, User};

/// The actor of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor<'a> {
    /// A named system actor: operators' commands, scripts, the platform's own work.
    System,
    /// The bearer of an API key.
    ApiKey {
        /// `true` if it is the platform's, and not a tenant's.
        platform: bool,
        /// The actions that it may perform, by name.
        scopes: &'a [String],
    },
    /// A person.
    User {
        /// `true` if the person is refused everywhere.
        disabled: bool,
        /// The person's right to administer the platform.
        platform: PlatformRight,
        /// Slug of the only tenant that the token's issuer may speak for, if it is bound to one.
        bound_to: Option<&'a str>,
    },
}

/// The right to administer the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlatformRight {
    /// No such right.
    #[default]
    None,
    /// Held for as long as the person's tokens name the group.
    ByClaim,
    /// Granted by a person or the system; holds regardless of tokens.
    Lasting,
}

impl PlatformRight {
    /// Returns the right of a user.
    #[must_use]
    pub fn of(user: &User) -> Self {
        match (user.platform_admin, user.platform_admin_source) {
            (false, _) => Self::None,
            (true, Some(GrantSource::Claim)) => Self::ByClaim,
            (true, _) => Self::Lasting,
        }
    }
}

/// Facts about the tenant in question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantFacts<'a> {
    /// Its slug.
    pub slug: &'a str,
    /// Its state.
    pub status: TenantStatus,
}

/// Facts about the membership in question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TargetFacts {
    /// Its current role, if it is in force.
    pub current: Option<MembershipRole>,
    /// The role that it is to have.
    pub wanted: Option<MembershipRole>,
    /// `true` if it belongs to the tenant's only owner.
    pub last_owner: bool,
}

/// The resource of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resource<'a> {
    /// The tenant, if the action concerns an existing one.
    pub tenant: Option<TenantFacts<'a>>,
    /// The actor's own role in that tenant, if in force; that of an administrator for an API key of the tenant.
    pub role: Option<MembershipRole>,
    /// `true` if the user is the actor's own, or the tenant's resource, such as a mailbox, belongs to the actor.
    pub oneself: bool,
    /// The membership that the action changes.
    pub target: TargetFacts,
    /// `true` if the action's user has a lasting right to administer the platform, or is to get it.
    pub lasting_admin: bool,
    /// The fields that the action sets.
    pub fields: &'a [&'static str],
}
