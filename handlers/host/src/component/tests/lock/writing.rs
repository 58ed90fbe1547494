//! Tests that a component can only cause the effect of the request itself, once.

use dezky::{
    domain::{
        CreateUser, audit::AUDIT_EVENTS, membership::MEMBERSHIPS, subscription::SUBSCRIPTIONS, tenant::TENANTS,
        user::USERS,
    },
    service::Call,
};
use serde_json::{Value, json};

use super::{BOTH, World, nothing, perform, without_effect};
use crate::component::{Isolation, tests::world::with_script};

/// A request whose effect a component requests: its sender and content.
pub(super) struct Attack {
    pub(super) name: &'static str,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Value,
}

fn attack(name: &'static str, method: &'static str, path: impl Into<String>, body: Value) -> Attack {
    Attack { name, method, path: path.into(), body }
}

/// Returns requests that their callers may not make, which a correct component would refuse.
pub(super) async fn attacks(world: &World) -> Vec<Attack> {
    let mut all = on_people(world);
    all.extend(on_memberships(world));
    all.extend(on_tenants(world));
    all.extend(on_subscriptions(world).await);
    // Safe methods have no effect, whatever the body is.
    for method in ["GET", "HEAD", "OPTIONS"] {
        let acme = format!("/tenants/{}", world.acme);
        all.push(attack("anna", method, acme.as_str(), json!({"name": "Taken"})));
        all.push(attack("root", method, acme.as_str(), json!({"status": "suspended"})));
        all.push(attack("root", method, "/users", json!({"authentikSubjectId": "new"})));
    }
    // There is no such route, or not with this method.
    all.push(attack("root", "PUT", format!("/tenants/{}", world.acme), json!({"name": "Taken"})));
    all.push(attack("root", "POST", "/platform_secrets", json!({"name": "subject-hash", "secret": "mine"})));
    all
}

fn on_people(world: &World) -> Vec<Attack> {
    let mark = format!("/users/{}", world.id("mark"));
    let mut all = Vec::new();
    for (name, body) in [
        ("anna", json!({"name": "New"})),
        ("mark", json!({"platformAdmin": true})),
        ("mark", json!({"name": "New"})),
        ("dora", json!({"name": "New"})),
        ("bea", json!({"status": "disabled"})),
        ("root", json!({"subjectHash": "00"})),
        ("root", json!({"deletedAt": "2020-01-01T00:00:00.000Z"})),
        ("root", json!({"platformAdminSource": "claim"})),
        ("root", json!({"name": "New", "nameKey": "other"})),
    ] {
        all.push(attack(name, "PATCH", mark.as_str(), body));
    }
    for name in ["anna", "mark", "eve", "bea"] {
        all.push(attack(name, "DELETE", mark.as_str(), Value::Null));
        all.push(attack(name, "POST", "/users", json!({"authentikSubjectId": "new"})));
    }
    all.push(attack("root", "POST", "/users", json!({"authentikSubjectId": "new", "issuerId": "unknown"})));
    all
}

fn on_memberships(world: &World) -> Vec<Attack> {
    let acme = format!("/tenants/{}/members", world.acme);
    let of = |name: &str| format!("{acme}/{}", world.id(name));
    let other = format!("/tenants/{}/members", world.other);
    let role = |role: &str| json!({"role": role});
    let grant = |name: &str, role: &str| json!({"userId": world.id(name), "role": role});
    vec![
        attack("ada", "PATCH", of("ada"), role("owner")),
        attack("ada", "PATCH", of("anna"), role("member")),
        attack("mark", "PATCH", of("mark"), role("admin")),
        attack("eve", "PATCH", of("mark"), role("admin")),
        attack("rita", "PATCH", of("mark"), role("admin")),
        attack("dora", "PATCH", of("mark"), role("admin")),
        attack("anna", "PATCH", of("mark"), json!({"role": "admin", "source": "claim"})),
        attack("mark", "DELETE", of("ada"), Value::Null),
        attack("eve", "DELETE", of("mark"), Value::Null),
        attack("mark", "POST", acme.as_str(), grant("rita", "member")),
        attack("rita", "POST", acme.as_str(), grant("rita", "owner")),
        // A stranger, whom only the platform can add.
        attack("anna", "POST", acme.as_str(), grant("eve", "owner")),
        attack("anna", "POST", other.as_str(), grant("anna", "owner")),
        // The issuer of one tenant is not accepted for another.
        attack("bea", "POST", other, grant("anna", "owner")),
    ]
}

fn on_tenants(world: &World) -> Vec<Attack> {
    let path = format!("/tenants/{}", world.acme);
    let mut all = Vec::new();
    for (field, value) in [
        ("plan", json!("enterprise")),
        ("status", json!("suspended")),
        ("authentikGroup", json!("everybody")),
        ("ocisSpaceId", json!("of-others")),
        ("stalwartDomain", json!("others.example.eu")),
        ("slug", json!("new")),
        ("domainVerifications", json!([])),
        ("formerSlugs", json!(["other"])),
        ("createdAt", json!("2020-01-01T00:00:00.000Z")),
        ("name", json!("x".repeat(500))),
    ] {
        all.push(attack("anna", "PATCH", path.as_str(), json!({"name": "New", field: value})));
    }
    for (name, tenant) in [
        ("anna", world.other),
        ("mark", world.acme),
        ("rita", world.acme),
        ("dora", world.acme),
        ("sam", world.still),
        ("sam", world.gone),
        ("bea", world.other),
    ] {
        all.push(attack(name, "PATCH", format!("/tenants/{tenant}"), json!({"name": "New"})));
    }
    for name in ["anna", "ada", "eve"] {
        all.push(attack(name, "DELETE", path.as_str(), Value::Null));
        all.push(attack(name, "POST", format!("{path}/suspend"), Value::Null));
        all.push(attack(name, "POST", "/tenants", json!({"slug": "new", "name": "New"})));
    }
    all
}

async fn on_subscriptions(world: &World) -> Vec<Attack> {
    let all = world.all(&SUBSCRIPTIONS).await;
    let of_acme = |one: &&Value| one["tenantId"] == world.acme.to_string();
    let path = format!("/subscriptions/{}", all.iter().find(of_acme).unwrap()["id"].as_str().unwrap());
    vec![
        attack("anna", "PATCH", path.as_str(), json!({"seats": 1_000})),
        attack("eve", "PATCH", path.as_str(), json!({"seats": 1_000})),
        attack("anna", "DELETE", path, Value::Null),
        attack("anna", "POST", "/subscriptions", json!({"tenantId": world.acme, "plan": "enterprise"})),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_its_caller_may_not_make_has_no_effect() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let before = world.stored().await;
        for (number, Attack { name, method, path, body }) in attacks(&world).await.into_iter().enumerate() {
            // A second request has no effect either.
            let answer = world.try_during(name, method, &path, Some(&body), &[perform(), perform()]).await;
            for outcome in answer.body.as_array().into_iter().flatten().skip(1) {
                assert!(without_effect(outcome), "{number} {name} {method} {path}: {body} {outcome}");
            }
            assert!(method == "HEAD" || answer.body[2]["error"].is_string(), "{number} {method} {path}: {answer:?}");
            assert_eq!(world.stored().await, before, "{number} {name} {method} {path}: {body}");
        }
    }
}

/// Returns an allowed request: Anna adds Rita back, as an administrator.
fn honest(world: &World) -> (String, Value) {
    (format!("/tenants/{}/members", world.acme), json!({"userId": world.id("rita"), "role": "admin"}))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_request_asks_for_is_done_once_and_its_answer_handed_back() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let (path, body) = honest(&world);
        let events = world.all(&AUDIT_EVENTS).await.len();
        let others: Vec<Value> = others_than_rita(&world).await;
        let steps = [perform(), perform(), perform()];
        let outcomes = world.during("anna", "POST", &path, Some(&body), &steps).await;
        assert_eq!(outcomes[0]["ok"]["status"], 201, "{outcomes:?}");
        assert!(outcomes[1..].iter().all(|outcome| outcome["error"] == "internal"), "{outcomes:?}");
        let rita = world.membership(world.acme, "rita").await;
        assert_eq!((&rita["active"], &rita["role"], &rita["source"]), (&json!(true), &json!("admin"), &json!("grant")));
        let answered = &outcomes[0]["ok"]["body"];
        assert_eq!(
            (&answered["id"], &answered["version"], &answered["role"]),
            (&rita["id"], &rita["version"], &rita["role"])
        );
        assert_eq!(world.all(&AUDIT_EVENTS).await.len(), events + 1);
        assert_eq!(others_than_rita(&world).await, others);
    }
}

async fn others_than_rita(world: &World) -> Vec<Value> {
    let mut all = world.all(&MEMBERSHIPS).await;
    all.retain(|one| one["userId"] != world.id("rita"));
    all.extend(world.all(&TENANTS).await);
    all.extend(world.all(&USERS).await);
    all.extend(world.all(&SUBSCRIPTIONS).await);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_reads_what_its_effect_has_left() {
    let world = World::new(Isolation::Shared).await;
    let (path, body) = honest(&world);
    let read = json!({"call": "find", "collection": "memberships",
        "keys": [format!("member:{}:{}", world.acme, world.id("anna"))]});
    let path_of_anna = format!("{path}/{}", world.id("anna"));
    // Two owners, so that one can be removed.
    let made = world
        .during("anna", "POST", &path, Some(&json!({"userId": world.id("rita"), "role": "owner"})), &[perform()])
        .await;
    assert_eq!(made[0]["ok"]["status"], 201, "{made:?}");
    let outcomes = world.during("anna", "DELETE", &path_of_anna, Some(&body), &[read.clone(), perform(), read]).await;
    assert!(!nothing(&outcomes[0]), "{outcomes:?}");
    assert_eq!(outcomes[1]["ok"]["status"], 204, "{outcomes:?}");
    assert!(nothing(&outcomes[2]), "she has no right any more: {outcomes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_dies_after_its_effect_has_had_one() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let (path, body) = honest(&world);
        let events = world.all(&AUDIT_EVENTS).await.len();
        let steps = [perform(), json!({"call": "trap"})];
        let answer = world.try_during("anna", "POST", &path, Some(&body), &steps).await;
        assert_eq!((answer.status, &answer.body["code"]), (500, &json!("internal")), "{answer:?}");
        assert_eq!(world.membership(world.acme, "rita").await["active"], true);
        assert_eq!(world.all(&AUDIT_EVENTS).await.len(), events + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_belongs_to_the_request_that_is_being_answered() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let (path, body) = honest(&world);
        let before = world.stored().await;
        // Before anybody has asked for the caller, and after the answer is sent.
        let unasked = with_script(&path, &json!([perform()]));
        let answer = world.send(Some("anna"), "POST", &unasked, Some(&body)).await;
        assert_eq!(answer.body[0]["error"], "internal", "{answer:?}");
        let answer =
            world.send(None, "POST", &with_script(&path, &json!([{"call": "caller"}, perform()])), Some(&body)).await;
        assert!(answer.body.as_array().is_none_or(|all| all.iter().all(without_effect)), "{answer:?}");
        assert_eq!(world.stored().await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_admitted_again_by_name_alone() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let call = Call::by_system("test");
        let input = CreateUser::read(json!({"authentikSubjectId": "zoe"})).unwrap();
        let zoe = world.service.create_user(&call, input).await.unwrap().value.id;
        world.service.delete_user(&call, zoe).await.unwrap();
        let tombstone = world.document(&USERS, &zoe.to_string()).await;
        let path = format!("/users/{zoe}");
        for (method, path, body) in [
            ("POST", "/users", json!({"authentikSubjectId": "paul"})),
            ("PATCH", path.as_str(), json!({"name": "Zoe"})),
            ("DELETE", path.as_str(), Value::Null),
        ] {
            world.during("root", method, path, Some(&body), &[perform()]).await;
            assert_eq!(world.document(&USERS, &zoe.to_string()).await, tombstone, "{method} {path}");
        }
        let outcomes =
            world.during("root", "POST", "/users", Some(&json!({"authentikSubjectId": "zoe"})), &[perform()]).await;
        assert_eq!(outcomes[0]["ok"]["status"], 201, "{outcomes:?}");
        assert_eq!(world.document(&USERS, &zoe.to_string()).await.get("subjectHash"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_rests_on_the_tenant_and_on_the_rights_of_its_caller_at_that_time() {
    let world = World::new(Isolation::Shared).await;
    let (path, body) = honest(&world);
    world.service.suspend_tenant(&Call::by_system("test"), &world.acme.into()).await.unwrap();
    let outcomes = world.during("anna", "POST", &path, Some(&body), &[perform()]).await;
    assert_eq!(outcomes[0]["ok"]["body"]["code"], "tenant_suspended", "{outcomes:?}");
    assert_eq!(world.membership(world.acme, "rita").await["active"], false);
}
