//! The policy as data, for programs that offer the actions that the API allows.
//!
//! It is tabulated from [`decide`] and has no rules of its own.

use serde_json::{Map, Value, json};

use super::{
    Action, Actor, Callers, Decision, Outcome, PlatformRight, Resource, TargetFacts, TenantFacts, decide,
    policy::{LASTING_ADMIN_POLICY, POLICY, Rule, field_policy},
};
use crate::domain::{Choice as _, GrantSource, MembershipRole, TenantStatus};

/// Returns the policy as data.
///
/// - `callers`: kinds of callers in order of precedence. A person is the first kind whose facts (`is`) all hold. Facts
///   are of their user, of their membership in the tenant, and `oneself` if the user in question is their own, or the
///   mailbox in question is theirs. Named
///   systems have a kind that no person's facts match; `lastingAdmin` marks the kind with a lasting right to administer
///   the platform.
/// - `actions`: for each action the kinds that may perform it (`allowed`), and those that may know that the resource
///   exists (`seen`). Further members narrow `allowed`: while the tenant is `suspended` or `deleted`, to set one of
///   `fields`, and if the user in question has a lasting right to administer the platform (`lastingAdmin`,
///   `lastingAdminFields`). `apiKeys` is `tenant` if the action can be a scope of any API key, and `platform` if it can
///   be one of the platform's keys alone; without it, no key performs the action.
/// - `memberships`: of the kinds that an action is allowed to, those that may change an `owner`, and remove the
///   `lastOwner`.
///
/// An action is allowed to the kinds that every applicable list names.
#[must_use]
pub fn policy_data() -> Value {
    let actions: Map<String, Value> = POLICY.iter().map(|rule| (rule.name.to_owned(), action(rule).into())).collect();
    json!({ "callers": callers(), "actions": actions, "memberships": memberships() })
}

/// Returns the kinds of callers and the facts that define them, the most specific first.
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

/// Returns the names of the callers to which `applies` returns `true`.
fn names(applies: impl Fn(Callers) -> bool) -> Value {
    Callers::ALL.iter().filter(|(caller, _)| applies(*caller)).map(|(_, name)| *name).collect()
}

/// Returns the decision for a person whose relation to the resource makes them this kind of caller.
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
        // What is one's own in a tenant is a member's.
        Callers::MEMBER | Callers::ONESELF => Some(MembershipRole::Member),
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
    let keys = [(false, "tenant"), (true, "platform")];
    if let Some((_, whose)) = keys.into_iter().find(|(of_platform, _)| rule.action.is_for_api_keys(*of_platform)) {
        told.insert("apiKeys".to_owned(), whose.into());
    }
    told.insert("allowed".to_owned(), whoever);
    told.insert("seen".to_owned(), names(|caller| rule.seen.includes(caller)));
    told
}

/// Returns the rules of actions on memberships. They are equal for all such actions, so revoking is tabulated.
fn memberships() -> Value {
    let of = |target| Resource { target, ..Resource::default() };
    let allowed =
        |target| names(|caller| decision(caller, Action::RevokeMembership, of(target)).outcome == Outcome::Allow);
    let owner = TargetFacts { current: Some(MembershipRole::Owner), ..TargetFacts::default() };
    json!({ "owner": allowed(owner), "lastOwner": allowed(TargetFacts { last_owner: true, ..owner }) })
}
