//! Tests of the policy: forbidden combinations of facts, and that the documentation matches the code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{collections::BTreeSet, env, fs, path::PathBuf, sync::LazyLock};

use dezky::{
    authz::{
        Action, Actor, Callers, Outcome, PlatformRight, Reason, Resource, TargetFacts, TenantFacts, decide,
        documentation::policy_table,
        forbidden_fields,
        policy::{LASTING_ADMIN_POLICY, POLICY, field_policy},
        policy_data,
    },
    domain::{MembershipRole, TenantStatus},
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

const SLUGS: [&str; 2] = ["acme", "bolt"];
const STATUSES: [TenantStatus; 4] =
    [TenantStatus::Pending, TenantStatus::Active, TenantStatus::Suspended, TenantStatus::Deleted];
const RIGHTS: [PlatformRight; 3] = [PlatformRight::None, PlatformRight::ByClaim, PlatformRight::Lasting];
const ROLES: [MembershipRole; 3] = [MembershipRole::Member, MembershipRole::Admin, MembershipRole::Owner];

/// Scopes of API keys: none, all that there are, and every other one.
static SCOPES: LazyLock<[&[String]; 3]> = LazyLock::new(|| {
    let names = |step: usize| POLICY.iter().step_by(step).map(|rule| rule.name.to_owned()).collect::<Vec<_>>().leak();
    [&[], names(1), names(2)]
});

/// Everything that a decision can depend on.
#[derive(Debug, Clone)]
struct Situation {
    actor: Actor<'static>,
    action: Action,
    tenant: Option<TenantFacts<'static>>,
    role: Option<MembershipRole>,
    oneself: bool,
    target: TargetFacts,
    lasting_admin: bool,
    fields: Vec<&'static str>,
}

impl Situation {
    fn resource(&self) -> Resource<'_> {
        let Self { tenant, role, oneself, target, lasting_admin, .. } = *self;
        Resource { tenant, role, oneself, target, lasting_admin, fields: &self.fields }
    }

    fn outcome(&self) -> Outcome {
        decide(&self.actor, self.action, &self.resource()).outcome
    }

    /// Determines the kind of caller independently of the policy's code.
    fn caller(&self) -> Callers {
        match self.actor {
            Actor::System => Callers::SYSTEM,
            Actor::ApiKey { platform: true, .. } => Callers::ADMIN_BY_CLAIM,
            Actor::ApiKey { platform: false, .. } if self.is_owners_gift() => Callers::OWNER,
            Actor::ApiKey { platform: false, .. } => self.of_role(),
            Actor::User { platform: PlatformRight::Lasting, bound_to: None, .. } => Callers::PLATFORM_ADMIN,
            Actor::User { platform: PlatformRight::ByClaim, bound_to: None, .. } => Callers::ADMIN_BY_CLAIM,
            Actor::User { bound_to, .. } if self.is_own(bound_to) => Callers::ONESELF,
            Actor::User { bound_to: Some(slug), .. } if self.tenant.is_none_or(|tenant| tenant.slug != slug) => {
                Callers::STRANGER
            }
            Actor::User { .. } => self.of_role(),
        }
    }

    /// Returns `true` for what a tenant's key does as only owners may, who give it to the key.
    fn is_owners_gift(&self) -> bool {
        self.action == Action::ProvisionDirectory && self.role == Some(MembershipRole::Admin)
    }

    fn of_role(&self) -> Callers {
        match self.role {
            Some(MembershipRole::Owner) => Callers::OWNER,
            Some(MembershipRole::Admin) => Callers::ADMIN,
            Some(MembershipRole::Member) => Callers::MEMBER,
            None => Callers::STRANGER,
        }
    }

    /// Returns `true` if the resource is the actor's own: in a tenant only for as long as they are a member.
    fn is_own(&self, bound_to: Option<&str>) -> bool {
        let within = |tenant: TenantFacts<'_>| bound_to.is_none_or(|slug| slug == tenant.slug) && self.role.is_some();
        self.oneself && self.tenant.is_none_or(within)
    }

    fn is_platform(&self) -> bool {
        matches!(self.caller(), Callers::SYSTEM | Callers::PLATFORM_ADMIN | Callers::ADMIN_BY_CLAIM)
    }
}

fn role() -> impl Strategy<Value = Option<MembershipRole>> {
    prop::option::of(prop::sample::select(&ROLES[..]))
}

fn situation() -> impl Strategy<Value = Situation> {
    let user = (any::<bool>(), prop::sample::select(&RIGHTS[..]), prop::option::of(prop::sample::select(&SLUGS[..])));
    let user = user.prop_map(|(disabled, platform, bound_to)| Actor::User { disabled, platform, bound_to });
    let key = (any::<bool>(), prop::sample::select(&*SCOPES));
    let key = key.prop_map(|(platform, scopes)| Actor::ApiKey { platform, scopes });
    let actor = prop_oneof![1 => Just(Actor::System), 9 => user, 4 => key];
    let actions: Vec<Action> = POLICY.iter().map(|rule| rule.action).collect();
    let tenant = (prop::sample::select(&SLUGS[..]), prop::sample::select(&STATUSES[..]))
        .prop_map(|(slug, status)| TenantFacts { slug, status });
    let target = (role(), role(), any::<bool>()).prop_map(|(current, wanted, last_owner)| TargetFacts {
        current,
        wanted,
        last_owner,
    });
    let of_admins = LASTING_ADMIN_POLICY.iter().filter_map(|(_, field, _)| *field);
    let names = field_policy().map(|(_, field, _)| field).chain(of_admins).chain(["else"]);
    let names: Vec<&'static str> = names.collect::<BTreeSet<_>>().into_iter().collect();
    let fields = prop::sample::subsequence(names, 0..=3);
    let (action, tenant) = (prop::sample::select(actions), prop::option::of(tenant));
    (actor, action, tenant, role(), any::<bool>(), target, any::<bool>(), fields).prop_map(
        |(actor, action, tenant, role, oneself, target, lasting_admin, fields)| Situation {
            actor,
            action,
            tenant,
            role,
            oneself,
            target,
            lasting_admin,
            fields,
        },
    )
}

/// Checks an invariant on many situations, the same ones in every run.
fn holds(promise: impl Fn(&Situation) -> Result<(), TestCaseError>) {
    let config = Config { cases: 20_000, failure_persistence: None, ..Config::default() };
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(config, random);
    runner.run(&situation(), |situation| promise(&situation)).unwrap();
}

#[test]
fn every_action_is_in_the_table_in_order() {
    for (position, rule) in POLICY.iter().enumerate() {
        assert_eq!(rule.action as usize, position, "{}", rule.name);
        assert_eq!(rule.action.name(), rule.name);
    }
    assert_eq!(POLICY.len(), Action::ALL.len());
}

#[test]
fn names_are_unique_and_who_may_is_seen_to_be_there() {
    for (position, rule) in POLICY.iter().enumerate() {
        assert!(POLICY[..position].iter().all(|other| other.name != rule.name), "{}", rule.name);
        for (caller, name) in Callers::ALL {
            let contradiction = rule.allowed.includes(caller) && !rule.seen.includes(caller);
            assert!(!contradiction, "{name} may {} and may not know of it", rule.name);
        }
    }
}

#[test]
fn nothing_outside_the_table_is_allowed() {
    holds(|situation| {
        let rule = situation.action.rule();
        if situation.outcome() == Outcome::Allow {
            prop_assert!(rule.allowed.includes(situation.caller()));
            for (action, field, allowed) in field_policy() {
                let set = action == situation.action && situation.fields.contains(&field);
                prop_assert!(!set || allowed.includes(situation.caller()), "{field}");
            }
        }
        Ok(())
    });
}

#[test]
fn what_is_not_seen_is_hidden() {
    holds(|situation| {
        let enabled = !matches!(situation.actor, Actor::User { disabled: true, .. });
        let seen = situation.action.rule().seen.includes(situation.caller());
        let deleted = situation.tenant.is_some_and(|tenant| tenant.status == TenantStatus::Deleted);
        let hidden = !seen || (deleted && !situation.is_platform());
        prop_assert_eq!(situation.outcome() == Outcome::Hide, enabled && hidden);
        Ok(())
    });
}

#[test]
fn an_api_key_performs_what_its_scopes_name_and_what_a_person_in_its_place_might_and_never_makes_keys() {
    holds(|situation| {
        let Actor::ApiKey { platform, scopes } = situation.actor else { return Ok(()) };
        if situation.outcome() != Outcome::Allow {
            return Ok(());
        }
        let name = situation.action.name();
        prop_assert!(scopes.iter().any(|scope| scope == name));
        prop_assert!(!name.starts_with("api_key.") && situation.action != Action::AcceptInvitation);
        prop_assert!(platform || situation.action.concerns_tenant());
        let right = if platform { PlatformRight::ByClaim } else { PlatformRight::None };
        let person = Actor::User { disabled: false, platform: right, bound_to: None };
        let role = if situation.is_owners_gift() { Some(MembershipRole::Owner) } else { situation.role };
        let person = Situation { actor: person, oneself: false, role, ..situation.clone() };
        prop_assert_eq!(person.outcome(), Outcome::Allow);
        Ok(())
    });
}

#[test]
fn a_disabled_user_is_always_refused() {
    holds(|situation| {
        let Actor::User { platform, bound_to, .. } = situation.actor else { return Ok(()) };
        let actor = Actor::User { disabled: true, platform, bound_to };
        let decision = decide(&actor, situation.action, &situation.resource());
        prop_assert_eq!(decision.outcome, Outcome::Refuse);
        prop_assert_eq!(decision.reason, Reason::UserDisabled);
        Ok(())
    });
}

#[test]
fn a_tenants_own_issuer_never_speaks_for_the_platform_nor_for_another_tenant() {
    holds(|situation| {
        let Actor::User { disabled, bound_to: Some(slug), .. } = situation.actor else { return Ok(()) };
        let decide_as = |platform| {
            let actor = Actor::User { disabled, platform, bound_to: Some(slug) };
            decide(&actor, situation.action, &situation.resource())
        };
        prop_assert_eq!(decide_as(PlatformRight::Lasting), decide_as(PlatformRight::None));
        prop_assert_eq!(decide_as(PlatformRight::ByClaim), decide_as(PlatformRight::None));
        let elsewhere = situation.tenant.is_some_and(|tenant| tenant.slug != slug);
        if elsewhere && !situation.oneself && !disabled {
            let stranger = Situation { role: None, ..situation.clone() };
            prop_assert_eq!(situation.outcome(), stranger.outcome());
        }
        Ok(())
    });
}

#[test]
fn a_suspended_tenant_is_read_only_to_its_own_people_but_for_revoking() {
    let reads = |action: Action| ["read", "list", "export", "evaluate"].iter().any(|word| action.name().contains(word));
    holds(|situation| {
        let suspended = situation.tenant.is_some_and(|tenant| tenant.status == TenantStatus::Suspended);
        if suspended && !situation.is_platform() && situation.outcome() == Outcome::Allow {
            let revokes = [
                Action::RevokeMembership,
                Action::DeleteAppPassword,
                Action::RevokeInvitation,
                Action::DeleteApiKey,
                Action::DeleteEventEndpoint,
            ];
            // A late payment is to be made.
            let pays = [Action::BeginCheckout, Action::OpenBillingPortal];
            // An identity provider takes people away, and gives a suspended tenant none.
            let pushes = [Action::ProvisionDirectory];
            let (action, others) = (situation.action, revokes.iter().chain(&pays).chain(&pushes));
            prop_assert!(reads(action) || others.into_iter().any(|other| *other == action));
        }
        let mut active = situation.clone();
        if let Some(tenant) = &mut active.tenant {
            tenant.status = TenantStatus::Active;
        }
        if suspended && (reads(situation.action) || situation.action == Action::RevokeMembership) {
            prop_assert_eq!(situation.outcome(), active.outcome());
        }
        Ok(())
    });
}

#[test]
fn the_last_owner_stays_and_only_owners_deal_with_owners() {
    holds(|situation| {
        if situation.is_platform() || situation.outcome() != Outcome::Allow {
            return Ok(());
        }
        let TargetFacts { current, wanted, last_owner } = situation.target;
        prop_assert!(!last_owner || wanted == Some(MembershipRole::Owner));
        let owner = [current, wanted].contains(&Some(MembershipRole::Owner));
        prop_assert!(!owner || situation.caller() == Callers::OWNER);
        Ok(())
    });
}

#[test]
fn a_right_by_claim_neither_makes_nor_unmakes_a_lasting_one_and_is_else_the_same() {
    holds(|situation| {
        let Actor::User { disabled, platform: PlatformRight::ByClaim, bound_to } = situation.actor else {
            return Ok(());
        };
        let touched = |(action, field): (Action, Option<&str>)| {
            action == situation.action && field.is_none_or(|field| situation.fields.contains(&field))
        };
        let unmaking = [
            (Action::CreateUser, Some("platformAdmin")),
            (Action::UpdateUser, Some("platformAdmin")),
            (Action::UpdateUser, Some("status")),
            (Action::UpdateUser, Some("tokensValidAfter")),
            (Action::DeleteUser, None),
            (Action::ProvisionDirectory, Some("active")),
            (Action::ProvisionPlatformDirectory, Some("active")),
        ];
        // A key of the platform outlasts the claim, too.
        let lasting = situation.action == Action::ManagePlatformApiKeys && bound_to.is_none();
        if lasting || situation.lasting_admin && bound_to.is_none() && unmaking.into_iter().any(touched) {
            prop_assert!(situation.outcome() != Outcome::Allow);
        } else {
            let actor = Actor::User { disabled, platform: PlatformRight::Lasting, bound_to };
            let granted = Situation { actor, ..situation.clone() };
            prop_assert_eq!(situation.outcome(), granted.outcome());
        }
        Ok(())
    });
}

#[test]
fn every_forbidden_field_is_named_and_no_other() {
    holds(|situation| {
        let named = forbidden_fields(&situation.actor, situation.action, &situation.resource());
        let refused = decide(&situation.actor, situation.action, &situation.resource());
        prop_assert_eq!(!named.is_empty(), matches!(refused.reason, Reason::Field(_)));
        let left: Vec<_> = situation.fields.iter().copied().filter(|field| !named.contains(field)).collect();
        let without = Situation { fields: left, ..situation.clone() };
        let reason = decide(&without.actor, without.action, &without.resource()).reason;
        prop_assert!(!matches!(reason, Reason::Field(_)));
        Ok(())
    });
}

/// Returns `true` if the policy as data allows the action to a caller.
fn told_to_be_allowed(policy: &Value, caller: &str, situation: &Situation) -> bool {
    let action = &policy["actions"][situation.action.name()];
    let names = |callers: &Value| callers.as_array().unwrap().contains(&json!(caller));
    let applies = |list: &Value| list.is_null() || names(list);
    let TargetFacts { current, wanted, last_owner } = situation.target;
    let status = situation.tenant.map(|tenant| tenant.status);
    let owner = Some(MembershipRole::Owner);
    names(&action["allowed"])
        && (status != Some(TenantStatus::Suspended) || applies(&action["suspended"]))
        && (status != Some(TenantStatus::Deleted) || applies(&action["deleted"]))
        && situation.fields.iter().all(|field| applies(&action["fields"][field]))
        && (!situation.lasting_admin
            || applies(&action["lastingAdmin"])
                && situation.fields.iter().all(|field| applies(&action["lastingAdminFields"][field])))
        && (![current, wanted].contains(&owner) || applies(&policy["memberships"]["owner"]))
        && (!last_owner || wanted == owner || applies(&policy["memberships"]["lastOwner"]))
}

/// Returns the kind of caller of a person by the policy as data.
fn told_to_be<'a>(policy: &'a Value, facts: &Value) -> &'a str {
    let is = |caller: &&Value| {
        caller["is"].as_object().is_some_and(|is| is.iter().all(|(name, value)| facts.get(name) == Some(value)))
    };
    policy["callers"].as_array().unwrap().iter().find(is).unwrap()["name"].as_str().unwrap()
}

#[test]
fn the_policy_as_data_says_what_is_decided() {
    let policy = policy_data();
    let told: BTreeSet<&str> =
        policy["callers"].as_array().unwrap().iter().map(|caller| caller["name"].as_str().unwrap()).collect();
    assert_eq!(told, Callers::ALL.iter().map(|(_, name)| *name).collect());
    holds(|situation| {
        let Actor::User { platform, disabled: false, bound_to: None } = situation.actor else { return Ok(()) };
        if situation.tenant.is_some() && !situation.action.concerns_tenant() {
            return Ok(());
        }
        let facts = json!({
            "platformAdmin": platform != PlatformRight::None,
            "platformAdminSource": if platform == PlatformRight::ByClaim { "claim" } else { "grant" },
            "role": situation.role,
            "oneself": situation.is_own(None),
        });
        let caller = told_to_be(&policy, &facts);
        let (_, name) = Callers::ALL.iter().find(|(one, _)| *one == situation.caller()).unwrap();
        prop_assert_eq!(caller, *name);
        let allowed = told_to_be_allowed(&policy, caller, situation);
        prop_assert_eq!(allowed, situation.outcome() == Outcome::Allow);
        Ok(())
    });
}

#[test]
fn the_policy_as_data_says_which_actions_can_be_scopes_of_api_keys() {
    let policy = policy_data();
    for rule in POLICY {
        let told = &policy["actions"][rule.name]["apiKeys"];
        assert_eq!(told == "tenant", rule.action.is_for_api_keys(false), "{}", rule.name);
        assert_eq!(!told.is_null(), rule.action.is_for_api_keys(true), "{}", rule.name);
    }
    assert_eq!(policy["actions"]["mailbox.create"]["apiKeys"], "tenant");
    assert_eq!(policy["actions"]["tenant.create"]["apiKeys"], "platform");
    assert_eq!(policy["actions"]["api_key.create"].get("apiKeys"), None);
}

#[test]
fn the_documentation_is_what_the_code_says() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/authorization.md");
    let wanted = format!("{INTRODUCTION}\n{}", policy_table());
    if env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, wanted, "run `UPDATE_DOCS=1 cargo test -p dezky --test policy` to write it anew");
}

const INTRODUCTION: &str = "# Who may see and do what

This page is printed from the policy in `core/src/authz/policy.rs`; a test holds that both say the same. Facts come from
the database at each request, never from a token.

- `yes`: allowed. `no`: refused with 403 and the reason. `hidden`: answered with 404, as if the thing did not exist.
- A disabled user is refused everywhere, whatever the table says.
- The token of a tenant's own issuer speaks for that tenant alone, and never for the platform.
- A deleted tenant is there for the platform only.
- Only owners deal with owners, and a tenant keeps its last owner; the platform may do otherwise.
- `oneself` is the person whose user it is, and the member whose mailbox it is. Nobody else creates an app password of a mailbox, neither
  its tenant's administrators nor the platform: whoever creates one is shown it, and could read the mail. They list and revoke them. An
  administrator of the platform creates those of their own mailbox as the member that they are.
- `API keys`: a key of a tenant acts as an administrator of it, and one of the platform as an administrator by claim, each in the actions
  among its scopes alone. The column tells which actions can be scopes of a key; none makes keys or accepts invitations.
- A field that is not in the second table may be set by whoever may do the action.
- Who administers the platform only for as long as their tokens name its group neither makes nor unmakes administrators whose
  right outlives the claim (third table): otherwise an hour in the group would be enough to stay, and to shut the others out.
- Programs find the policy in `/openapi.json`, as `x-dezky-policy`: `callers` says what somebody is, the first of them whose facts
  (`is`) all hold. An action is allowed to whom each list that applies names: `allowed`; `suspended` and `deleted`, where the tenant
  is; `fields` for each field that is set; `lastingAdmin` and `lastingAdminFields`, where it is done to an administrator of the
  platform by grant; and of `memberships` `owner`, where an owner's is dealt with, and `lastOwner`, where the last one's is taken
  away. A list that is not there narrows nothing.
  `apiKeys` tells which API keys can have the action as a scope: those of a `tenant` and of the platform, or of the `platform` alone.
";
