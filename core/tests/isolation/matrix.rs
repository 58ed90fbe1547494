//! Every route × every caller, compared with the policy.

use std::collections::BTreeSet;

use dezky::{
    authz::{Action, Actor, Outcome, Resource, TargetFacts, TenantFacts, decide, policy::FIELD_POLICY},
    domain::{MembershipRole, TenantStatus},
    http::openapi,
    store::SharedStore,
};
use serde_json::{Value, json};

use crate::{
    routes::{Does, ROUTES, Route},
    world::{Answer, BOUND, Caller, Platform, World},
};

/// What the policy wants of an answer.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Unauthenticated,
    Forbidden(Option<&'static str>),
    Hidden,
    Granted,
}

fn actor(caller: Caller) -> Actor<'static> {
    Actor::User {
        disabled: caller == Caller::Disabled,
        platform_admin: caller == Caller::PlatformAdmin,
        bound_to: (caller == Caller::BoundElsewhere).then_some(BOUND),
    }
}

fn by_policy(
    caller: Caller,
    action: Action,
    world: Option<&World>,
    target: TargetFacts,
    fields: &[&'static str],
) -> Expected {
    let tenant = world.map(|world| TenantFacts { slug: &world.slug, status: world.status });
    let role = tenant.and_then(|_| caller.role());
    let resource = Resource { tenant, role, oneself: false, target, fields };
    match decide(&actor(caller), action, &resource).outcome {
        Outcome::Allow => Expected::Granted,
        Outcome::Refuse => Expected::Forbidden(None),
        Outcome::Hide => Expected::Hidden,
    }
}

fn expected(caller: Caller, route: &Route, world: &World) -> Expected {
    match (route.does, caller) {
        (Does::Public, _) => Expected::Granted,
        (_, Caller::NoToken | Caller::BadToken) => Expected::Unauthenticated,
        (Does::Own, Caller::Unknown) if route.path == "/users/me" => Expected::Granted,
        (_, Caller::Unknown) => Expected::Forbidden(Some("user_unknown")),
        (_, Caller::Disabled) => Expected::Forbidden(Some("user_disabled")),
        (Does::Own, _) => Expected::Granted,
        (Does::Platform(action), _) => by_policy(caller, action, None, route.target(), &[]),
        (Does::Tenant(action), _) => by_policy(caller, action, Some(world), route.target(), &[]),
    }
}

fn check(answer: &Answer, expected: &Expected, reads: bool, about: &str) {
    let fits = match expected {
        Expected::Unauthenticated => answer.status == 401,
        Expected::Forbidden(code) => answer.status == 403 && code.is_none_or(|code| answer.code() == code),
        Expected::Hidden => answer.status == 404 && answer.code() == "not_found",
        Expected::Granted if reads => answer.status == 200,
        // What is granted may still be in conflict with what is there.
        Expected::Granted => (200..300).contains(&answer.status) || answer.status == 409,
    };
    assert!(fits, "{about}: the policy wants {expected:?}, the answer is {}", answer.text());
}

pub(crate) async fn every_route_answers_every_caller_as_the_policy_says(store: SharedStore) {
    let platform = Platform::on(store).await;
    for status in [TenantStatus::Active, TenantStatus::Suspended] {
        let mut world = platform.world(status).await;
        for route in ROUTES.iter().filter(|route| !matches!(route.does, Does::Public)) {
            for caller in Caller::ALL {
                let (path, body) = (route.path(&world.names()), route.body(&world.names()));
                let answer = platform.call(caller, &world, &route.method.to_uppercase(), &path, body.as_ref()).await;
                let expected = expected(caller, route, &world);
                check(&answer, &expected, route.is_read(), &format!("{caller:?} {} {path} ({status:?})", route.method));
                // What was granted has changed something; the unknown are unknown no more.
                if expected == Expected::Granted && (!route.is_read() || caller == Caller::Unknown) {
                    world = platform.world(status).await;
                }
            }
        }
    }
}

pub(crate) async fn public_routes_answer_everybody_alike(store: SharedStore) {
    let platform = Platform::on(store).await;
    let world = platform.world(TenantStatus::Active).await;
    for route in ROUTES.iter().filter(|route| matches!(route.does, Does::Public)) {
        let method = route.method.to_uppercase();
        let first = platform.call(Caller::NoToken, &world, &method, route.path, None).await;
        for caller in Caller::ALL {
            assert_eq!(
                platform.call(caller, &world, &method, route.path, None).await,
                first,
                "{caller:?} {}",
                route.path
            );
        }
    }
}

/// A value that would be accepted from whoever may set the field.
fn value(field: &str) -> Value {
    match field {
        "slug" => json!(format!("renamed-{}", dezky::domain::ObjectId::generate())),
        "status" => json!("suspended"),
        "plan" => json!("business"),
        "domainVerifications" => json!([]),
        "billingInfo" => json!({"company": "Acme"}),
        "name" => json!("New"),
        "branding" => json!({"primaryColor": "#102030"}),
        "domains" => json!([]),
        "authentikGroup" | "ocisSpaceId" | "stalwartDomain" => {
            json!(format!("x{}.eu", dezky::domain::ObjectId::generate()))
        }
        other => panic!("{other}: give the new field a value here"),
    }
}

pub(crate) async fn every_field_is_set_by_those_whom_the_policy_names(store: SharedStore) {
    let platform = Platform::on(store).await;
    let world = platform.world(TenantStatus::Active).await;
    let path = format!("/tenants/{}", world.tenant);
    for (action, field, _) in FIELD_POLICY {
        assert_eq!(*action, Action::UpdateTenant, "{field}: call its route here");
        for caller in Caller::ALL.into_iter().filter(|caller| caller.role().is_some() && *caller != Caller::Disabled) {
            let body = json!({ *field: value(field) });
            let answer = platform.call(caller, &world, "PATCH", &path, Some(&body)).await;
            let expected = by_policy(caller, *action, Some(&world), TargetFacts::default(), &[field]);
            check(&answer, &expected, false, &format!("{caller:?} sets {field}"));
            let may_change_others =
                by_policy(caller, *action, Some(&world), TargetFacts::default(), &[]) == Expected::Granted;
            if expected == (Expected::Forbidden(None)) && may_change_others {
                assert!(answer.body.contains(field), "{caller:?} is told that it is {field}: {}", answer.body);
            }
        }
    }
    // The names of another tenant, of the caller's own role, and of what nobody sets.
    for (caller, field) in
        [(Caller::Owner, "id"), (Caller::Owner, "version"), (Caller::Admin, "tenantId"), (Caller::Admin, "createdAt")]
    {
        let answer = platform.call(caller, &world, "PATCH", &path, Some(&json!({ field: "x" }))).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid_fields"), "{field}: {}", answer.body);
    }
}

pub(crate) async fn nobody_raises_their_own_role(store: SharedStore) {
    let platform = Platform::on(store).await;
    let world = platform.world(TenantStatus::Active).await;
    for caller in [Caller::Member, Caller::Admin] {
        let me: Value =
            serde_json::from_str(&platform.call(caller, &world, "GET", "/users/me", None).await.body).unwrap();
        let path = format!("/tenants/{}/members/{}", world.slug, me["user"]["id"].as_str().unwrap());
        for (name, wanted) in [("admin", MembershipRole::Admin), ("owner", MembershipRole::Owner)] {
            let answer = platform.call(caller, &world, "PATCH", &path, Some(&json!({"role": name}))).await;
            let target = TargetFacts { current: caller.role(), wanted: Some(wanted), last_owner: false };
            check(&answer, &by_policy(caller, Action::UpdateMembership, Some(&world), target, &[]), false, &path);
            if wanted == MembershipRole::Owner || caller == Caller::Member {
                assert_eq!(answer.status, 403, "{caller:?} wants to be {name}");
            }
        }
    }
}

#[test]
fn every_route_stands_in_the_matrix() {
    let document: Value = serde_json::from_str(&openapi::document().unwrap()).unwrap();
    let methods = |item: &Value| -> Vec<String> {
        let known = ["get", "post", "put", "patch", "delete"];
        item.as_object().unwrap().keys().filter(|key| known.contains(&key.as_str())).cloned().collect()
    };
    let documented: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| methods(item).into_iter().map(|method| (method, path.clone())).collect::<Vec<_>>())
        .collect();
    let listed = ROUTES.iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    assert_eq!(documented, listed);
}
