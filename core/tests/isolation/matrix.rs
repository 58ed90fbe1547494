//! Compares every route for every caller with the policy.

use std::{collections::BTreeSet, sync::Arc};

use dezky::{
    authz::{
        Action, Actor, Decision, Outcome, PlatformRight, Reason, Resource, TargetFacts, TenantFacts, decide,
        policy::{POLICY, field_policy},
    },
    domain::{CreateTenant, MembershipRole, ObjectId, TenantStatus, UpdateTenant},
    http::operations::OPERATIONS,
    store::SharedStore,
};
use serde_json::{Value, json};

use crate::{
    estate::World,
    recording::Recording,
    routes::{Does, ROUTES, Route, domain},
    world::{Answer, BOUND, Caller, Platform},
};

/// The answer that the policy requires.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Unauthenticated,
    /// Refused with this status and code.
    Refused(u16, &'static str),
    Hidden,
    Granted,
}

fn actor(caller: Caller) -> Actor<'static> {
    let bound = [Caller::BoundElsewhere, Caller::BoundRoot, Caller::BoundOwner, Caller::BoundMember];
    Actor::User {
        disabled: caller == Caller::Disabled,
        platform: match caller {
            Caller::PlatformAdmin | Caller::BoundRoot => PlatformRight::Lasting,
            _ => PlatformRight::None,
        },
        bound_to: bound.contains(&caller).then_some(BOUND),
    }
}

/// Returns the answer required by a decision.
pub(crate) fn answer_to(decision: Decision) -> Expected {
    match (decision.outcome, decision.reason) {
        (Outcome::Allow, _) => Expected::Granted,
        (Outcome::Hide, _) | (_, Reason::Granted(_) | Reason::NotVisible) => Expected::Hidden,
        (_, Reason::UserDisabled) => Expected::Refused(403, "user_disabled"),
        (_, Reason::PlatformOnly) => Expected::Refused(403, "platform_admin_required"),
        (_, Reason::RoleTooLow) => Expected::Refused(403, "role_insufficient"),
        (_, Reason::HolderOnly) => Expected::Refused(403, "holder_required"),
        (_, Reason::LastingAdmin) => Expected::Refused(403, "granted_admin_required"),
        (_, Reason::OwnerOnly) => Expected::Refused(403, "owner_required"),
        (_, Reason::LastOwner) => Expected::Refused(409, "last_owner"),
        (_, Reason::TenantSuspended) => Expected::Refused(403, "tenant_suspended"),
        (_, Reason::TenantDeleted) => Expected::Refused(409, "tenant_deleted"),
        (_, Reason::Scope) => Expected::Refused(403, "scope_missing"),
        (_, Reason::Field(_)) => Expected::Refused(403, "field_forbidden"),
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
    let resource = Resource { tenant, role, target, fields, ..Resource::default() };
    answer_to(decide(&actor(caller), action, &resource))
}

fn expected(caller: Caller, route: &Route, world: &World) -> Expected {
    match (route.does, caller) {
        (Does::Public, _) => Expected::Granted,
        (_, Caller::NoToken | Caller::BadToken) => Expected::Unauthenticated,
        (Does::Own, Caller::Unknown) if route.path == "/users/me" => Expected::Granted,
        (_, Caller::Unknown) => Expected::Refused(403, "user_unknown"),
        (_, Caller::Disabled) => Expected::Refused(403, "user_disabled"),
        (Does::Own, _) => Expected::Granted,
        (Does::Platform(action), _) => by_policy(caller, action, None, route.target(), &[]),
        (Does::Tenant(action), _) => by_policy(caller, action, Some(world), route.target(), &[]),
    }
}

pub(crate) fn check(answer: &Answer, expected: &Expected, reads: bool, about: &str) {
    let fits = match expected {
        Expected::Unauthenticated => answer.status == 401,
        Expected::Refused(status, code) => answer.status == *status && answer.code() == *code,
        Expected::Hidden => answer.status == 404 && answer.code() == "not_found",
        Expected::Granted if reads => answer.status == 200,
        Expected::Granted => (200..300).contains(&answer.status),
    };
    assert!(fits, "{about}: the policy wants {expected:?}, the answer is {}", answer.text());
}

/// A platform whose store records its calls.
struct Watched {
    platform: Platform,
    record: Arc<Recording>,
}

impl Watched {
    async fn on(store: SharedStore) -> Self {
        let record = Arc::new(Recording::new(store));
        Self { platform: Platform::on(Arc::clone(&record) as SharedStore).await, record }
    }

    /// Makes a call, and asserts that the answer is as the policy requires and that a refusal has no effect.
    async fn call(
        &self,
        caller: Caller,
        route: &Route,
        world: &World,
        body: Option<&Value>,
        expected: &Expected,
    ) -> Answer {
        let path = route.path(&world.names());
        self.record.take();
        let answer = self.platform.call(caller, world, route.method, &path, body).await;
        let about = format!("{caller:?} {} {path} ({:?})", route.method, world.status);
        check(&answer, expected, route.is_read(), &about);
        let commits: Vec<String> = self.record.take().into_iter().filter(|call| call.starts_with("commit")).collect();
        let may_write = *expected == Expected::Granted && (!route.is_read() || route.path == "/users/me");
        assert!(may_write || commits.is_empty(), "{about} has written: {commits:?}");
        answer
    }
}

/// Returns `true` if the tenant must not have a subscription, since it can have only one at a time.
pub(crate) fn needs_room(route: &Route, status: TenantStatus) -> bool {
    matches!(route.does, Does::Tenant(Action::CreateSubscription)) && status != TenantStatus::Deleted
}

pub(crate) async fn make_room(platform: &Platform, world: &World) {
    platform.service.delete_subscription(&crate::support::system(), world.subscription).await.unwrap();
}

/// Number of parts of the routes, each with a store of its own.
pub(crate) const PARTS: usize = 3;

/// Asserts the answers of one part of the routes to all callers.
///
/// A world is made for each change. In one store, the last of many hundreds would be slow to read on a server that
/// scans.
pub(crate) async fn every_route_answers_every_caller_as_the_policy_says(
    store: SharedStore,
    status: TenantStatus,
    part: usize,
) {
    let watched = Watched::on(store).await;
    let platform = &watched.platform;
    let mut world = platform.world(status).await;
    let routes = ROUTES.iter().filter(|route| !matches!(route.does, Does::Public));
    for route in routes.skip(part).step_by(PARTS) {
        if needs_room(route, status) {
            make_room(platform, &world).await;
        }
        for caller in Caller::ALL {
            let expected = expected(caller, route, &world);
            watched.call(caller, route, &world, route.body(&world.names()).as_ref(), &expected).await;
            // An allowed call has changed something, and the unknown caller is not unknown any more.
            if expected == Expected::Granted && (!route.is_read() || caller == Caller::Unknown) {
                world = platform.world(status).await;
                if needs_room(route, status) {
                    make_room(platform, &world).await;
                }
            }
        }
        if needs_room(route, status) {
            world = platform.world(status).await;
        }
    }
}

/// Asserts that a token of a tenant's own issuer has its bearer's rights in that tenant, and none on the platform.
pub(crate) async fn a_tenants_own_issuer_speaks_for_that_tenant_alone(store: SharedStore) {
    let watched = Watched::on(store).await;
    let platform = &watched.platform;
    for status in [TenantStatus::Active, TenantStatus::Suspended, TenantStatus::Deleted] {
        let mut world = platform.world_at_bound(status).await;
        for route in ROUTES.iter().filter(|route| !matches!(route.does, Does::Public)) {
            for caller in Caller::AT_BOUND {
                let expected = expected(caller, route, &world);
                watched.call(caller, route, &world, route.body(&world.names()).as_ref(), &expected).await;
                if expected == Expected::Granted && !route.is_read() {
                    world = platform.world_at_bound(status).await;
                }
            }
        }
    }
}

/// Asserts that a body cannot name another tenant or a role beyond the caller's: hidden tenants are refused like absent
/// ones, and nothing changes.
pub(crate) async fn no_body_reaches_into_another_tenant(store: SharedStore) {
    let watched = Watched::on(store).await;
    let platform = &watched.platform;
    let world = platform.world(TenantStatus::Active).await;
    let hidden = platform.world(TenantStatus::Active).await;
    let find = |does: Action| ROUTES.iter().find(|route| matches!(route.does, Does::Tenant(action) if action == does));
    let invalid = Expected::Refused(422, "invalid_fields");
    for action in [Action::UpdateSubscription, Action::UpdateMembership, Action::UpdateTenant, Action::GrantMembership]
    {
        let route = find(action).unwrap();
        for caller in [Caller::Member, Caller::Admin, Caller::Owner, Caller::PlatformAdmin] {
            let bodies = [hidden.tenant.to_string(), ObjectId::generate().to_string()].map(|tenant| {
                let mut body = route.body(&world.names()).unwrap();
                body["tenantId"] = json!(tenant);
                body
            });
            let [seen, unseen] = [
                watched.call(caller, route, &world, Some(&bodies[0]), &invalid).await,
                watched.call(caller, route, &world, Some(&bodies[1]), &invalid).await,
            ];
            assert_eq!(seen, unseen, "{caller:?} {} {}", route.method, route.path);
            assert!(seen.body.contains("tenantId"), "the field is named: {}", seen.body);
        }
    }
    // A subscription cannot be created for another tenant.
    let route = find(Action::CreateSubscription).unwrap();
    for caller in [Caller::Stranger, Caller::Member, Caller::Owner] {
        let body = |tenant: String| json!({"tenantId": tenant, "plan": "starter"});
        let seen = watched.call(caller, route, &world, Some(&body(hidden.tenant.to_string())), &Expected::Hidden).await;
        let absent = body(ObjectId::generate().to_string());
        assert_eq!(watched.call(caller, route, &world, Some(&absent), &Expected::Hidden).await, seen, "{caller:?}");
    }
    // Admins can make nobody an owner, neither a new nor a former member.
    let route = find(Action::GrantMembership).unwrap();
    for user in [world.revoked, hidden.target] {
        let body = json!({"userId": user, "role": "owner"});
        watched.call(Caller::Admin, route, &world, Some(&body), &Expected::Refused(403, "owner_required")).await;
    }
    let [seen, unseen] = [hidden.target.to_string(), ObjectId::generate().to_string()]
        .map(|user| json!({"userId": user, "role": "member"}));
    let seen = watched.call(Caller::Owner, route, &world, Some(&seen), &invalid).await;
    assert_eq!(watched.call(Caller::Owner, route, &world, Some(&unseen), &invalid).await, seen);
}

pub(crate) async fn public_routes_answer_everybody_alike(store: SharedStore) {
    let watched = Watched::on(store).await;
    let platform = &watched.platform;
    let system = crate::support::system();
    let living = platform.world(TenantStatus::Active).await;
    let suspended = platform.world(TenantStatus::Suspended).await;
    let deleted = platform.world(TenantStatus::Deleted).await;
    // One with a former slug, which stays its own permanently.
    let plain = CreateTenant::read(json!({"slug": "former", "name": "Renamed", "status": "active"})).unwrap();
    let renamed = platform.service.create_tenant(&system, plain).await.unwrap().value.id;
    let rename = UpdateTenant::read(json!({"slug": "renamed"})).unwrap();
    platform.service.update_tenant(&system, &renamed.into(), rename).await.unwrap();
    let launchers = [
        (living.slug.as_str(), true),
        (&suspended.slug, true),
        ("renamed", true),
        (&deleted.slug, false),
        ("former", false),
        ("absent", false),
    ];
    let mut absent = None;
    for (slug, there) in launchers {
        let path = format!("/launcher?slug={slug}");
        let first = platform.call(Caller::NoToken, &living, "GET", &path, None).await;
        if there {
            let launcher: Value = serde_json::from_str(&first.body).unwrap();
            assert_eq!((first.status, &launcher["slug"]), (200, &json!(slug)));
            let fields: BTreeSet<&str> = launcher.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(fields, BTreeSet::from(["branding", "name", "slug"]), "no more than is public");
        } else {
            assert_eq!(absent.get_or_insert(first.clone()), &first, "`{slug}` is as one that never was");
            assert_eq!((first.status, first.code().as_str()), (404, "not_found"));
        }
        for caller in Caller::ALL {
            assert_eq!(platform.call(caller, &living, "GET", &path, None).await, first, "{caller:?} {path}");
        }
    }
    for route in ROUTES.iter().filter(|route| matches!(route.does, Does::Public)) {
        let method = route.method;
        let first = platform.call(Caller::NoToken, &living, method, route.path, None).await;
        // What the SCIM service supports is the same for every directory, be there one or not.
        let names_nothing = first.status >= 400 || route.path.starts_with("/scim/");
        assert!(names_nothing, "{} names nothing: {}", route.path, first.text());
        for caller in Caller::ALL {
            let answer = platform.call(caller, &living, method, route.path, None).await;
            assert_eq!(answer, first, "{caller:?} {}", route.path);
        }
    }
}

/// Returns what a new mailbox of the tenant needs.
pub(crate) fn mailbox(world: &World) -> Value {
    let local_part = format!("box-{}", dezky::domain::ObjectId::generate());
    json!({"userId": world.target, "localPart": local_part, "domain": domain(&world.slug)})
}

/// Returns what a new event endpoint of the tenant needs.
pub(crate) fn endpoint(world: &World) -> Value {
    json!({"tenantId": world.tenant, "url": "https://hooks.example/"})
}

/// Returns a value that is valid for anybody who may set the field.
pub(crate) fn value(field: &str) -> Value {
    match field {
        "slug" => json!(format!("renamed-{}", dezky::domain::ObjectId::generate())),
        "status" => json!("suspended"),
        "plan" => json!("business"),
        "domainVerifications" => json!([]),
        "quotaMebibytes" => json!(512),
        "billingInfo" => json!({"company": "Acme"}),
        "name" => json!("New"),
        "branding" => json!({"primaryColor": "#102030"}),
        "isolatedLogin" | "personalValues" => json!(true),
        "launcherHost" => json!(null),
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
    let of_tenant = format!("/tenants/{}", world.tenant);
    for (action, field, _) in field_policy() {
        let nothing = || json!({});
        let (method, path, others) = match action {
            Action::UpdateTenant => ("PATCH", of_tenant.clone(), nothing()),
            Action::UpdateMailbox => ("PATCH", format!("{of_tenant}/mailboxes/{}", world.mailbox), nothing()),
            Action::CreateMailbox => ("POST", format!("{of_tenant}/mailboxes"), mailbox(&world)),
            Action::UpdateEventEndpoint => ("PATCH", format!("/event-endpoints/{}", world.endpoint), nothing()),
            Action::CreateEventEndpoint => ("POST", "/event-endpoints".to_owned(), endpoint(&world)),
            other => panic!("{other:?} {field}: call its route here"),
        };
        for caller in Caller::ALL.into_iter().filter(|caller| caller.role().is_some() && *caller != Caller::Disabled) {
            let value = match field {
                // One with mailboxes is not given up.
                "domains" => json!([domain(&world.slug), "new.eu"]),
                field => value(field),
            };
            let mut body = others.clone();
            body[field] = value;
            let answer = platform.call(caller, &world, method, &path, Some(&body)).await;
            let expected = by_policy(caller, action, Some(&world), TargetFacts::default(), &[field]);
            check(&answer, &expected, false, &format!("{caller:?} sets {field}"));
            let may_change_others =
                by_policy(caller, action, Some(&world), TargetFacts::default(), &[]) == Expected::Granted;
            if expected == Expected::Refused(403, "field_forbidden") && may_change_others {
                assert!(answer.body.contains(field), "{caller:?} is told that it is {field}: {}", answer.body);
            }
        }
    }
    // Fields that nobody can set.
    for (caller, field) in [(Caller::Owner, "id"), (Caller::Owner, "version"), (Caller::Admin, "createdAt")] {
        let answer = platform.call(caller, &world, "PATCH", &of_tenant, Some(&json!({ field: "x" }))).await;
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
fn every_action_of_the_policy_stands_in_the_matrix() {
    let done: BTreeSet<&str> =
        OPERATIONS.iter().flat_map(|operation| operation.access.actions()).map(|action| action.name()).collect();
    let missing: Vec<&str> = POLICY.iter().map(|rule| rule.name).filter(|name| !done.contains(name)).collect();
    assert!(missing.is_empty(), "no operation comes to {missing:?}");
}
