//! The policy as data, for programs that offer what the API allows: tabulated from [`decide`], so that it has no rule of its own.

use serde_json::{Map, Value, json};

use super::{
    Action, Actor, Callers, Decision, Outcome, PlatformRight, Resource, TargetFacts, TenantFacts, decide,
    policy::{LASTING_ADMIN_POLICY, POLICY, Rule, field_policy},
};
use crate::domain::{Choice as _, GrantSource, MembershipRole, TenantStatus};

/// The policy as data.
///
/// - `callers`: what a person may be to a resource, the first of them whose facts (`is`) all hold: of their user, of their
///   membership in the tenant, and whether it is their own user (`oneself`). Named systems have no facts that a person could have;
///   `lastingAdmin` marks those who administer the platform by a lasting right.
/// - `actions`: for each action who may do it (`allowed`), and who may know that the thing is there (`seen`). What else must
///   hold is told where it narrows `allowed`: who may while the tenant is `suspended` or `deleted`, who may set one of `fields`,
///   and who may do it to those who administer the platform by a lasting right (`lastingAdmin`, `lastingAdminFields`).
/// - `memberships`: who, of those whom an action allows it, may deal with an `owner`, and take away the `lastOwner`.
///
/// An action is allowed to whom each list that applies names.
#[must_use]
pub fn policy_data() -> Value {
    let actions: Map<String, Value> = POLICY.iter().map(|rule| (rule.name.to_owned(), action(rule).into())).collect();
    json!({ "callers": callers(), "actions": actions, "memberships": memberships() })
}

/// The callers and the facts that make somebody one of them: the most particular first.
fn callers() -> [Value; 8] {
    let caller = |caller, is: Value| json!({ "name": name(caller), "is": is });
    let role = |role: MembershipRole| json!({ "role": role.name() });
    let admin = json!({ "platformAdmin": true });
    [
        caller(Callers::SYSTEM, Value::Null),
        caller(Callers::ADMIN_BY_CLAIM, json!({ "platformAdmin": true, "platformAdminSource": GrantSource::Claim })),
        json!({ "name": name(Callers::PLATFORM_ADMIN), "is": admin, "lastingAdmin": true }),
        caller(Callers::ONESELF, json!({ "oneself": true })),
        caller(Callers::OWNER, role(MembershipRole::Owner)),
        caller(Callers::ADMIN, role(MembershipRole::Admin)),
        caller(Callers::MEMBER, role(MembershipRole::Member)),
        caller(Callers::STRANGER, json!({})),
    ]
}

fn name(caller: Callers) -> &'static str {
    Callers::ALL.iter().find(|(one, _)| *one == caller).map_or("", |(_, name)| name)
}

/// Names of the callers to whom something applies.
fn names(applies: impl Fn(Callers) -> bool) -> Value {
    Callers::ALL.iter().filter(|(caller, _)| applies(*caller)).map(|(_, name)| *name).collect()
}

/// The decision about a resource that is to a caller what makes them that caller.
fn decision(caller: Callers, action: Action, resource: Resource<'_>) -> Decision {
    let platform = match caller {
        Callers::SYSTEM => return decide(&Actor::System, action, &resource),
        Callers::PLATFORM_ADMIN => PlatformRight::Lasting,
        Callers::ADMIN_BY_CLAIM => PlatformRight::ByClaim,
        _ => PlatformRight::None,
    };
    let role = match caller {
        Callers::OWNER => Some(MembershipRole::Owner),
        Callers::ADMIN => Some(MembershipRole::Admin),
        Callers::MEMBER => Some(MembershipRole::Member),
        _ => None,
    };
    let actor = Actor::User { disabled: false, platform, bound_to: None };
    decide(&actor, action, &Resource { role, oneself: caller == Callers::ONESELF, ..resource })
}

fn action(rule: &Rule) -> Map<String, Value> {
    let allowed =
        |resource: Resource<'_>| names(|caller| decision(caller, rule.action, resource).outcome == Outcome::Allow);
    let whoever = allowed(Resource::default());
    let mut told = Map::new();
    let mut narrowing = |name: &str, callers: Value| {
        if callers != whoever {
            told.insert(name.to_owned(), callers);
        }
    };
    if rule.action.concerns_tenant() {
        let being = |status| Resource { tenant: Some(TenantFacts { slug: "", status }), ..Resource::default() };
        narrowing("suspended", allowed(being(TenantStatus::Suspended)));
        narrowing("deleted", allowed(being(TenantStatus::Deleted)));
    }
    let to_lasting = |fields: &[&'static str]| allowed(Resource { lasting_admin: true, fields, ..Resource::default() });
    narrowing("lastingAdmin", to_lasting(&[]));
    let fields = field_policy().filter(|(action, ..)| *action == rule.action);
    let fields: Map<String, Value> = fields
        .map(|(_, field, _)| (field.to_owned(), allowed(Resource { fields: &[field], ..Resource::default() })))
        .filter(|(_, callers)| *callers != whoever)
        .collect();
    let of_admins = LASTING_ADMIN_POLICY.iter().filter(|(action, ..)| *action == rule.action);
    let of_admins: Map<String, Value> =
        of_admins.filter_map(|(_, field, _)| field.map(|field| (field.to_owned(), to_lasting(&[field])))).collect();
    for (name, fields) in [("fields", fields), ("lastingAdminFields", of_admins)] {
        if !fields.is_empty() {
            told.insert(name.to_owned(), fields.into());
        }
    }
    told.insert("allowed".to_owned(), whoever);
    told.insert("seen".to_owned(), names(|caller| rule.seen.includes(caller)));
    told
}

/// Rules of actions on memberships. They do not depend on the action: revoking stands for all.
fn memberships() -> Value {
    let of = |target| Resource { target, ..Resource::default() };
    let allowed =
        |target| names(|caller| decision(caller, Action::RevokeMembership, of(target)).outcome == Outcome::Allow);
    let owner = TargetFacts { current: Some(MembershipRole::Owner), ..TargetFacts::default() };
    json!({ "owner": allowed(owner), "lastOwner": allowed(TargetFacts { last_owner: true, ..owner }) })
}
