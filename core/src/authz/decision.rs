//! The decision: pure, from the facts and the policy alone.

use super::{
    Action, Actor, PlatformRight, Resource,
    policy::{HOLDER, LASTING_ADMIN_POLICY, Rule, settable},
};
use crate::{
    callers::Callers,
    domain::{MembershipRole, TenantStatus},
    error::Code,
};

/// The reason of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Granted, because the caller is of this kind to the resource.
    Granted(&'static str),
    /// The person is disabled.
    UserDisabled,
    /// The caller may not know that the resource exists.
    NotVisible,
    /// Only the platform's administrators may perform it.
    PlatformOnly,
    /// The caller's role in the tenant is too low.
    RoleTooLow,
    /// Only the member whose mailbox it is may perform it.
    HolderOnly,
    /// Only those with a lasting right may grant or revoke one.
    LastingAdmin,
    /// Only owners may change owners.
    OwnerOnly,
    /// A tenant keeps its last owner.
    LastOwner,
    /// The tenant is suspended and so read-only.
    TenantSuspended,
    /// The tenant is deleted.
    TenantDeleted,
    /// The action is not among those of the API key.
    Scope,
    /// The caller may not set this field.
    Field(&'static str),
}

impl Reason {
    /// Returns the code that the caller is refused with, or `None` if the action is granted.
    #[must_use]
    pub const fn code(self) -> Option<Code> {
        Some(match self {
            Self::Granted(_) => return None,
            Self::UserDisabled => Code::USER_DISABLED,
            Self::NotVisible => Code::NOT_FOUND,
            Self::PlatformOnly => Code::PLATFORM_ADMIN_REQUIRED,
            Self::RoleTooLow => Code::ROLE_INSUFFICIENT,
            Self::HolderOnly => Code::HOLDER_REQUIRED,
            Self::LastingAdmin => Code::GRANTED_ADMIN_REQUIRED,
            Self::OwnerOnly => Code::OWNER_REQUIRED,
            Self::LastOwner => Code::LAST_OWNER,
            Self::TenantSuspended => Code::TENANT_SUSPENDED,
            Self::TenantDeleted => Code::TENANT_DELETED,
            Self::Scope => Code::SCOPE_MISSING,
            Self::Field(_) => Code::FIELD_FORBIDDEN,
        })
    }
}

/// The outcome of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The action may be performed.
    Allow,
    /// It may not, and the caller is told the reason.
    Refuse,
    /// It may not, and to the caller the resource seems not to exist.
    Hide,
}

/// A decision and its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// The outcome.
    pub outcome: Outcome,
    /// The reason.
    pub reason: Reason,
}

impl Decision {
    const fn refuse(reason: Reason) -> Self {
        Self { outcome: Outcome::Refuse, reason }
    }
}

/// Decides if `actor` may perform `action` on `resource`. Pure: everything that matters is in its arguments.
#[must_use]
pub fn decide(actor: &Actor<'_>, action: Action, resource: &Resource<'_>) -> Decision {
    let rule = action.rule();
    if matches!(actor, Actor::User { disabled: true, .. }) {
        return Decision::refuse(Reason::UserDisabled);
    }
    let (caller, name) = caller(actor, action, resource);
    let seen_through_deletion = Callers::PLATFORM.includes(caller)
        || resource.tenant.is_none_or(|tenant| tenant.status != TenantStatus::Deleted);
    if !rule.seen.includes(caller) || !seen_through_deletion {
        return Decision { outcome: Outcome::Hide, reason: Reason::NotVisible };
    }
    if !rule.allowed.includes(caller) {
        // Owners may perform every action that any role of a tenant may.
        let reason = match () {
            () if rule.allowed == HOLDER => Reason::HolderOnly,
            () if rule.allowed.includes(Callers::OWNER) => Reason::RoleTooLow,
            () => Reason::PlatformOnly,
        };
        return Decision::refuse(reason);
    }
    if let Actor::ApiKey { platform, scopes } = actor
        && !(action.is_for_api_keys(*platform) && scopes.iter().any(|scope| scope == rule.name))
    {
        return Decision::refuse(Reason::Scope);
    }
    match obstacle(caller, rule, resource) {
        Some(reason) => Decision::refuse(reason),
        None => Decision { outcome: Outcome::Allow, reason: Reason::Granted(name) },
    }
}

/// Returns the kind of caller that the actor is to the resource.
fn caller(actor: &Actor<'_>, action: Action, resource: &Resource<'_>) -> (Callers, &'static str) {
    let (platform, bound_to) = match actor {
        Actor::System => return (Callers::SYSTEM, "system"),
        // Whatever it does ends with the key, and so it never makes or unmakes what outlives that.
        Actor::ApiKey { platform: true, .. } => return (Callers::ADMIN_BY_CLAIM, "API key of the platform"),
        Actor::ApiKey { platform: false, .. } => {
            let caller = match resource.role {
                Some(MembershipRole::Admin) => action.as_key_of_tenant(),
                role => MembershipRole::caller(role),
            };
            return (caller, "API key of the tenant");
        }
        Actor::User { platform, bound_to, .. } => (*platform, *bound_to),
    };
    // The token of a tenant's own issuer is valid for that tenant only, and never for the platform.
    match platform {
        PlatformRight::Lasting if bound_to.is_none() => return (Callers::PLATFORM_ADMIN, "platform admin"),
        PlatformRight::ByClaim if bound_to.is_none() => return (Callers::ADMIN_BY_CLAIM, "platform admin by claim"),
        _ => {}
    }
    let within = match (bound_to, resource.tenant) {
        (Some(slug), Some(tenant)) => slug == tenant.slug,
        (Some(_), None) => false,
        (None, _) => true,
    };
    // What a tenant gives to one of its members is theirs for as long as they are one.
    if resource.oneself && (resource.tenant.is_none() || (within && resource.role.is_some())) {
        return (Callers::ONESELF, "oneself");
    }
    match resource.role {
        Some(MembershipRole::Owner) if within => (Callers::OWNER, "owner"),
        Some(MembershipRole::Admin) if within => (Callers::ADMIN, "admin"),
        Some(MembershipRole::Member) if within => (Callers::MEMBER, "member"),
        _ => (Callers::STRANGER, "anybody"),
    }
}

/// Returns the reason, if any, to refuse a caller to whom the table allows the action.
fn obstacle(caller: Callers, rule: &Rule, resource: &Resource<'_>) -> Option<Reason> {
    let platform = Callers::PLATFORM.includes(caller);
    if let Some(tenant) = resource.tenant {
        match tenant.status {
            TenantStatus::Deleted if !rule.when_deleted => return Some(Reason::TenantDeleted),
            TenantStatus::Suspended if !platform && !rule.while_suspended => return Some(Reason::TenantSuspended),
            _ => {}
        }
    }
    let lasting = |(action, field, allowed): &(Action, Option<&str>, Callers)| {
        let touched = field.is_none_or(|field| resource.fields.contains(&field));
        *action == rule.action && touched && !allowed.includes(caller)
    };
    if resource.lasting_admin && LASTING_ADMIN_POLICY.iter().any(lasting) {
        return Some(Reason::LastingAdmin);
    }
    let target = resource.target;
    if !platform {
        let touches_owner = [target.current, target.wanted].contains(&Some(MembershipRole::Owner));
        if touches_owner && caller != Callers::OWNER {
            return Some(Reason::OwnerOnly);
        }
        if target.last_owner && target.wanted != Some(MembershipRole::Owner) {
            return Some(Reason::LastOwner);
        }
    }
    let rules = settable(rule.action);
    let forbidden = |name: &&'static str| {
        rules.iter().any(|field| field.name == *name && field.by.is_some_and(|allowed| !allowed.includes(caller)))
    };
    resource.fields.iter().copied().find(forbidden).map(Reason::Field)
}

/// Returns those of `fields` that the actor may not set.
#[must_use]
pub fn forbidden_fields(actor: &Actor<'_>, action: Action, resource: &Resource<'_>) -> Vec<&'static str> {
    let refused = |field: &&'static str| {
        let decision = decide(actor, action, &Resource { fields: &[field], ..*resource });
        decision.reason == Reason::Field(field)
    };
    resource.fields.iter().copied().filter(refused).collect()
}
