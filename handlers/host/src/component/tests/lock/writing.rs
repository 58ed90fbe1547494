//! What a component writes: what the request asks for, as the host finds it, and nothing else.

use dezky::{
    clock::Clock as _,
    domain::{
        CreateUser, ObjectId, audit::AUDIT_EVENTS, membership::MEMBERSHIPS, subscription::SUBSCRIPTIONS,
        tenant::TENANTS, user::USERS,
    },
    service::Call,
    store::Collection,
};
use serde_json::{Value, json};

use super::{BOTH, World, commit, insert, membership, nothing, refused, update};

/// An attack: who, in which request, with which changes.
pub(super) struct Attack {
    pub(super) name: &'static str,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Value,
    pub(super) changes: Vec<Value>,
}

fn attack(name: &'static str, method: &'static str, path: String, body: Value, changes: Vec<Value>) -> Attack {
    Attack { name, method, path, body, changes }
}

/// All changes that a hostile component tries.
pub(super) async fn attacks(world: &World) -> Vec<Attack> {
    let mut all = in_safe_requests(world).await;
    all.extend(on_people(world).await);
    all.extend(on_memberships(world).await);
    all.extend(on_tenants(world).await);
    all.extend(on_the_platform(world).await);
    all
}

async fn in_safe_requests(world: &World) -> Vec<Attack> {
    let mark = world.membership(world.acme, "mark").await;
    let acme = world.document(&TENANTS, &world.acme.to_string()).await;
    let current = world.all(&SUBSCRIPTIONS).await.into_iter().find(|one| one["tenantId"] == acme["id"]).unwrap();
    let now = json!(world.clock.now());
    let raised = update(world, "memberships", &mark, &json!({"role": "owner", "source": "grant", "changedAt": now}));
    let renamed = update(world, "tenants", &acme, &json!({"name": "Taken", "nameKey": "taken"}));
    let suspended = update(world, "tenants", &acme, &json!({"status": "suspended", "suspendedFrom": acme["status"]}));
    let cancelled = update(world, "subscriptions", &current, &json!({"status": "cancelled"}));
    let path = || format!("/tenants/{}", world.acme);
    let new = insert("memberships", &membership(world, &world.acme.to_string(), "acme", "eve", "owner"));
    ["GET", "OPTIONS"]
        .into_iter()
        .flat_map(|method| {
            [
                attack("anna", method, path(), json!({}), vec![raised.clone()]),
                attack("anna", method, path(), json!({"name": "Taken"}), vec![renamed.clone()]),
                attack("root", method, path(), json!({"status": "suspended"}), vec![suspended.clone()]),
                attack("root", method, path(), json!({}), vec![cancelled.clone()]),
                attack("root", method, format!("{}/members", path()), json!({}), vec![new.clone()]),
            ]
        })
        .collect()
}

async fn on_people(world: &World) -> Vec<Attack> {
    let mark = world.document(&USERS, &world.id("mark")).await;
    let root = world.document(&USERS, &world.id("root")).await;
    let path = format!("/users/{}", world.id("mark"));
    let (now, old) = (json!(world.clock.now()), json!("2020-01-01T00:00:00.000Z"));
    let named = json!({"name": "New", "nameKey": "new"});
    let mut all = Vec::new();
    // An honest request to rename somebody, and what else the change would bring along.
    for (field, value) in [
        ("authentikSubjectId", json!("attacker")),
        ("issuerId", json!("own")),
        ("subjectHash", json!("00")),
        ("deletedAt", now.clone()),
        ("platformAdmin", json!(true)),
        ("platformAdminSource", json!("grant")),
        ("platformAdminRevokedBy", json!("claim")),
        ("status", json!("disabled")),
        ("tokensValidAfter", now.clone()),
        ("createdAt", old.clone()),
        ("nameKey", json!("other")),
        ("emailKey", json!("other")),
    ] {
        let mut set = named.clone();
        set[field] = value;
        all.push(attack(
            "root",
            "PATCH",
            path.clone(),
            json!({"name": "New"}),
            vec![update(world, "users", &mark, &set)],
        ));
    }
    let admin = json!({"platformAdmin": true, "platformAdminSource": "grant", "platformAdminChangedAt": now});
    for (name, method) in [("mark", "PATCH"), ("anna", "PATCH"), ("root", "POST"), ("root", "DELETE")] {
        let change = update(world, "users", &mark, &admin);
        all.push(attack(name, method, path.clone(), json!({"platformAdmin": true}), vec![change]));
    }
    // Another person than the path names, and another time than the body says.
    let other = format!("/users/{}", world.id("eve"));
    all.push(attack("root", "PATCH", other, json!({"name": "New"}), vec![update(world, "users", &mark, &named)]));
    let earlier = update(world, "users", &mark, &json!({"tokensValidAfter": old}));
    all.push(attack("root", "PATCH", path.clone(), json!({"tokensValidAfter": now}), vec![earlier]));
    // Administrators who take their right away, in a way that a claim would undo.
    let tombstone = json!({"platformAdmin": false, "platformAdminSource": "grant", "platformAdminChangedAt": now,
        "platformAdminRevokedAt": old, "platformAdminRevokedBy": "claim"});
    let change = update(world, "users", &root, &tombstone);
    all.push(attack(
        "root",
        "PATCH",
        format!("/users/{}", world.id("root")),
        json!({"platformAdmin": false}),
        vec![change],
    ));
    // Erasure that leaves something, or lets the person come back.
    let erased = json!({"authentikSubjectId": null, "email": null, "emailKey": "", "name": null, "nameKey": "",
        "status": "disabled", "deletedAt": now});
    for (field, value) in [("subjectHash", json!("00")), ("subjectHash", Value::Null), ("email", mark["email"].clone())]
    {
        let mut set = erased.clone();
        set[field] = value;
        all.push(attack("root", "DELETE", path.clone(), json!({}), vec![update(world, "users", &mark, &set)]));
    }
    all
}

async fn on_memberships(world: &World) -> Vec<Attack> {
    let (mark, ada) = (world.membership(world.acme, "mark").await, world.membership(world.acme, "ada").await);
    let rita = world.membership(world.acme, "rita").await;
    let acme = format!("/tenants/{}", world.acme);
    let of = |name: &str| format!("{acme}/members/{}", world.id(name));
    let (now, old) = (json!(world.clock.now()), json!("2020-01-01T00:00:00.000Z"));
    let as_admin = json!({"role": "admin", "changedAt": now});
    let as_owner = json!({"role": "owner", "source": "grant", "changedAt": now});
    let change = |before: &Value, set: &Value| vec![update(world, "memberships", before, set)];
    let role = |role: &str| json!({"role": role});
    let gone = json!({"active": false, "changedAt": now, "revokedAt": now, "revokedBy": "person"});
    let with = |set: &Value, field: &str, value: Value| {
        let mut set = set.clone();
        set[field] = value;
        set
    };
    let back = json!({"active": true, "role": "member", "source": "grant", "changedAt": now, "revokedAt": null, "revokedBy": null});
    let stranger = membership(world, &world.acme.to_string(), "acme", "eve", "owner");
    vec![
        // A role that the request does not ask for, of somebody whom it does not name, or by who may not give it.
        attack("anna", "PATCH", of("mark"), role("admin"), change(&mark, &as_owner)),
        attack("anna", "PATCH", of("mark"), role("admin"), change(&ada, &as_owner)),
        attack("anna", "PATCH", acme.clone(), json!({"name": "New"}), change(&mark, &as_admin)),
        attack("ada", "PATCH", of("ada"), role("owner"), change(&ada, &as_owner)),
        attack("ada", "PATCH", of("mark"), role("owner"), change(&mark, &as_owner)),
        attack("mark", "PATCH", of("mark"), role("admin"), change(&mark, &as_admin)),
        attack("eve", "PATCH", of("mark"), role("admin"), change(&mark, &as_admin)),
        attack("anna", "PATCH", of("mark"), role("admin"), change(&mark, &with(&as_admin, "source", json!("claim")))),
        attack(
            "anna",
            "PATCH",
            of("mark"),
            role("admin"),
            change(&mark, &with(&as_admin, "userEmail", json!("x@x.eu"))),
        ),
        attack(
            "anna",
            "PATCH",
            of("mark"),
            role("admin"),
            change(&mark, &with(&as_admin, "tenantId", json!(world.other))),
        ),
        // A revocation that does not last, or that nobody asked for.
        attack("anna", "DELETE", of("mark"), json!({}), change(&mark, &with(&gone, "revokedBy", json!("claim")))),
        attack("anna", "DELETE", of("mark"), json!({}), change(&mark, &with(&gone, "revokedAt", old.clone()))),
        attack("anna", "DELETE", of("mark"), json!({}), change(&mark, &with(&gone, "changedAt", old.clone()))),
        attack("anna", "DELETE", of("mark"), json!({}), change(&ada, &gone)),
        attack("anna", "PATCH", of("mark"), role("admin"), change(&mark, &gone)),
        attack("mark", "DELETE", of("mark"), json!({}), change(&mark, &gone)),
        // A tombstone that is changed, or opened by who may not.
        attack("anna", "PATCH", of("rita"), role("admin"), change(&rita, &with(&gone, "revokedBy", json!("claim")))),
        attack(
            "mark",
            "POST",
            format!("{acme}/members"),
            json!({"userId": world.id("rita"), "role": "member"}),
            change(&rita, &back),
        ),
        attack(
            "anna",
            "POST",
            format!("{acme}/members"),
            json!({"userId": world.id("rita"), "role": "member"}),
            change(&rita, &with(&back, "source", json!("claim"))),
        ),
        // A stranger, whom only the platform brings in.
        attack(
            "anna",
            "POST",
            format!("{acme}/members"),
            json!({"userId": world.id("eve"), "role": "owner"}),
            vec![insert("memberships", &stranger)],
        ),
        // Two things at once.
        attack(
            "anna",
            "PATCH",
            of("mark"),
            role("admin"),
            vec![update(world, "memberships", &mark, &as_admin), update(world, "memberships", &ada, &as_owner)],
        ),
    ]
}

async fn on_tenants(world: &World) -> Vec<Attack> {
    let acme = world.document(&TENANTS, &world.acme.to_string()).await;
    let path = format!("/tenants/{}", world.acme);
    let now = json!(world.clock.now());
    let named = json!({"name": "New", "nameKey": "new"});
    let mut all = Vec::new();
    for (field, value) in [
        ("plan", json!("enterprise")),
        ("status", json!("deleted")),
        ("authentikGroup", json!("everybody")),
        ("ocisSpaceId", json!("of-others")),
        ("stalwartDomain", json!("others.example.eu")),
        ("slug", json!("new")),
        ("formerSlugs", json!(["other"])),
        ("domainVerifications", json!([{"name": "example.eu", "verifiedAt": now}])),
        ("createdAt", json!("2020-01-01T00:00:00.000Z")),
        ("deletedAt", now.clone()),
        ("nameKey", json!("other")),
        ("name", json!("x".repeat(500))),
    ] {
        let mut set = named.clone();
        set[field] = value.clone();
        let change = update(world, "tenants", &acme, &set);
        all.push(attack("anna", "PATCH", path.clone(), json!({"name": "New"}), vec![change.clone()]));
        // Not even where the body asks for it, of whoever may not.
        all.push(attack("anna", "PATCH", path.clone(), json!({"name": "New", field: value}), vec![change]));
    }
    let other = world.document(&TENANTS, &world.other.to_string()).await;
    let still = world.document(&TENANTS, &world.still.to_string()).await;
    let gone = world.document(&TENANTS, &world.gone.to_string()).await;
    let body = || json!({"name": "New"});
    for (name, tenant, at) in [
        ("anna", &other, format!("/tenants/{}", world.other)),
        ("anna", &other, path.clone()),
        ("mark", &acme, path.clone()),
        ("rita", &acme, path.clone()),
        ("dora", &acme, path.clone()),
        ("sam", &still, format!("/tenants/{}", world.still)),
        ("sam", &gone, format!("/tenants/{}", world.gone)),
        ("bea", &other, format!("/tenants/{}", world.other)),
    ] {
        all.push(attack(name, "PATCH", at, body(), vec![update(world, "tenants", tenant, &named)]));
    }
    let deleted = json!({"status": "deleted", "deletedAt": now});
    for name in ["anna", "root"] {
        // For root, the subscription that ends with the tenant is left out.
        let change = update(world, "tenants", &acme, &deleted);
        all.push(attack(name, "DELETE", path.clone(), json!({}), vec![change]));
    }
    let remove = json!({"collection": "tenants", "id": acme["id"], "expected": acme["version"]});
    all.push(attack("root", "DELETE", path, json!({}), vec![remove]));
    all
}

async fn on_the_platform(world: &World) -> Vec<Attack> {
    let acme = format!("/tenants/{}", world.acme);
    let id = || ObjectId::generate().to_string();
    let mut all: Vec<Attack> = [
        ("platform_secrets", json!({"name": "subject-hash", "secret": "mine", "createdAt": world.clock.now()})),
        ("key_sets", json!({"issuerId": "default"})),
        ("user_activity", json!({"claimsIat": world.clock.now()})),
        ("ended_sessions", json!({"kind": "subject", "key": "x", "expiresAt": world.clock.now()})),
    ]
    .into_iter()
    .map(|(collection, mut document)| {
        (document["id"], document["version"]) = (json!(id()), json!(1));
        attack("root", "PATCH", acme.clone(), json!({"name": "New"}), vec![insert(collection, &document)])
    })
    .collect();
    // A stored answer, an event and nothing else; and a new user beside the one that is asked for.
    let answer = json!({"id": id(), "version": 1, "key": "x", "bodyHash": "x", "status": 201, "response": "{}",
        "expiresAt": world.clock.now()});
    all.push(attack(
        "root",
        "PATCH",
        acme.clone(),
        json!({"name": "New"}),
        vec![insert("idempotency_records", &answer)],
    ));
    all.push(attack("root", "PATCH", acme, json!({"name": "New"}), Vec::new()));
    let now = world.clock.now();
    let user = |subject: &str, admin: bool| {
        insert(
            "users",
            &json!({"id": id(), "version": 1, "issuerId": "default", "authentikSubjectId": subject,
            "emailKey": "", "nameKey": "", "role": "user", "platformAdmin": admin, "status": "active",
            "createdAt": now, "updatedAt": now}),
        )
    };
    let body = json!({"authentikSubjectId": "new"});
    all.push(attack("root", "POST", "/users".to_owned(), body.clone(), vec![user("new", true)]));
    all.push(attack("root", "POST", "/users".to_owned(), body.clone(), vec![user("another", false)]));
    all.push(attack(
        "root",
        "POST",
        "/users".to_owned(),
        body.clone(),
        vec![user("new", false), user("another", false)],
    ));
    all.push(attack("anna", "POST", "/users".to_owned(), body, vec![user("new", false)]));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_that_the_request_does_not_ask_for_or_its_caller_may_not() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let before = world.stored().await;
        for (number, Attack { name, method, path, body, changes }) in attacks(&world).await.into_iter().enumerate() {
            let steps = [commit(&world, &changes)];
            let outcomes = world.during(name, method, &path, Some(&body), &steps).await;
            assert!(
                nothing(&outcomes[0]) && !outcomes[0]["error"].is_null(),
                "{number} {name} {method} {path}: {outcomes:?}"
            );
            assert_eq!(world.stored().await, before, "{number} {name} {method} {path}: {body} {changes:?}");
        }
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
        let before = world.stored().await;
        let opened = update(&world, "users", &tombstone, &json!({"subjectHash": null}));
        let undone = update(
            &world,
            "users",
            &tombstone,
            &json!({"deletedAt": null, "status": "active", "authentikSubjectId": "zoe"}),
        );
        let path = format!("/users/{zoe}");
        for (method, path, body, change) in [
            ("POST", "/users", json!({"authentikSubjectId": "paul"}), &opened),
            ("PATCH", path.as_str(), json!({"name": "Zoe"}), &undone),
            ("PATCH", path.as_str(), json!({"name": "Zoe"}), &opened),
            ("DELETE", path.as_str(), json!({}), &opened),
        ] {
            let steps = [commit(&world, std::slice::from_ref(change))];
            let outcomes = world.during("root", method, path, Some(&body), &steps).await;
            assert!(!outcomes[0]["error"].is_null(), "{method} {path}: {outcomes:?}");
            assert_eq!(world.stored().await, before);
        }
    }
}

/// A request that is allowed, and what an honest component proposes for it.
async fn honest(world: &World) -> (String, Value, Value) {
    let rita = world.membership(world.acme, "rita").await;
    let back = json!({"active": true, "role": "admin", "source": "grant", "changedAt": world.clock.now(),
        "regrantedAt": world.clock.now(), "revokedAt": null, "revokedBy": null});
    let body = json!({"userId": world.id("rita"), "role": "admin"});
    (format!("/tenants/{}/members", world.acme), body, update(world, "memberships", &rita, &back))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_request_asks_for_is_written_once() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let (path, body, change) = honest(&world).await;
        let events = world.all(&AUDIT_EVENTS).await.len();
        let mut shouted = change.clone();
        // Names of ids and keys as a store would not find them again.
        shouted["json"]["id"] = json!(shouted["json"]["id"].as_str().unwrap().to_uppercase());
        shouted["json"]["tenantId"] = json!(world.acme.to_string().to_uppercase());
        shouted["keys"] = json!(["member:none"]);
        let stale = update(&world, "memberships", &json!({"id": change["id"], "version": 7}), &json!({}));
        let steps = [
            commit(&world, &[shouted]),
            commit(&world, &[stale]),
            commit(&world, std::slice::from_ref(&change)),
            commit(&world, std::slice::from_ref(&change)),
        ];
        let outcomes = world.during("anna", "POST", &path, Some(&body), &steps).await;
        assert!(refused(&outcomes[0]), "{outcomes:?}");
        assert!(outcomes[1]["error"].as_str().unwrap().contains("VersionConflict"), "{outcomes:?}");
        assert!(outcomes[2].get("ok").is_some(), "{outcomes:?}");
        assert!(refused(&outcomes[3]), "{outcomes:?}");
        assert_eq!(world.membership(world.acme, "rita").await, change["json"]);
        assert_eq!(world.all(&AUDIT_EVENTS).await.len(), events + 1);
        // The keys are the host's: the person is found by them.
        let named = json!({"call": "find", "collection": "memberships",
            "keys": [format!("member:{}:{}", world.acme, world.id("rita"))]});
        assert!(!nothing(&world.script("anna", &[named]).await[0]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_dies_after_its_commit_has_had_one_effect() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let (path, body, change) = honest(&world).await;
        let events = world.all(&AUDIT_EVENTS).await.len();
        let steps = [commit(&world, &[change]), json!({"call": "trap"})];
        let answer = world.try_during("anna", "POST", &path, Some(&body), &steps).await;
        assert_eq!((answer.status, &answer.body["code"]), (500, &json!("internal")), "{answer:?}");
        assert_eq!(world.membership(world.acme, "rita").await["active"], true);
        assert_eq!(world.all(&AUDIT_EVENTS).await.len(), events + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_things_get_the_ids_that_were_proposed_if_these_are_of_the_request() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let acme = world.acme.to_string();
        let (path, body) = (format!("/tenants/{acme}/members"), json!({"userId": world.id("eve"), "role": "member"}));
        let new = membership(&world, &acme, "acme", "eve", "member");
        let mut old = new.clone();
        old["id"] = json!("5f00000000000000000000aa");
        let mut outcomes = Vec::new();
        for document in [&old, &new] {
            let steps = [commit(&world, &[insert("memberships", document)])];
            outcomes.extend(world.during("root", "POST", &path, Some(&body), &steps).await);
        }
        assert!(refused(&outcomes[0]), "{outcomes:?}");
        assert!(outcomes[1].get("ok").is_some(), "{outcomes:?}");
        assert_eq!(world.membership(world.acme, "eve").await, new);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_rests_on_the_tenant_and_on_the_rights_of_its_caller() {
    let world = World::new(crate::component::Isolation::Shared).await;
    let (path, body, change) = honest(&world).await;
    // What the component read before somebody else came: it has to decide anew, and the host does.
    let stale = |collection: &'static Collection, id: String| {
        let mut step = commit(&world, std::slice::from_ref(&change));
        step["guards"] = json!([{"collection": collection.name, "id": id, "version": 77}]);
        step
    };
    let anna = world.membership(world.acme, "anna").await["id"].as_str().unwrap().to_owned();
    let before = world.stored().await;
    for step in [stale(&TENANTS, world.acme.to_string()), stale(&USERS, world.id("anna")), stale(&MEMBERSHIPS, anna)] {
        let outcomes = world.during("anna", "POST", &path, Some(&body), &[step]).await;
        assert!(outcomes[0]["error"].as_str().unwrap().contains("GuardFailed"), "{outcomes:?}");
    }
    assert_eq!(world.stored().await, before);
    world.service.suspend_tenant(&Call::by_system("test"), &world.acme.into()).await.unwrap();
    let outcomes = world.during("anna", "POST", &path, Some(&body), &[commit(&world, &[change])]).await;
    assert!(outcomes[0]["error"].as_str().unwrap().contains("GuardFailed"), "{outcomes:?}");
    assert_eq!(world.membership(world.acme, "rita").await["active"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_a_write_is_that_of_its_request() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let mark = world.membership(world.acme, "mark").await;
        let path = format!("/tenants/{}/members/{}", world.acme, world.id("mark"));
        let before = world.stored().await;
        // A revocation that says of itself, throughout, that it was made before the last token, or after the next ones.
        for wrong in ["2020-01-01T00:00:00.000Z", "2100-01-01T00:00:00.000Z"] {
            let set = json!({"active": false, "changedAt": wrong, "revokedAt": wrong, "revokedBy": "person", "updatedAt": wrong});
            let mut step = commit(&world, &[update(&world, "memberships", &mark, &set)]);
            step["changes"][1]["json"]["at"] = json!(wrong);
            let outcomes = world.during("anna", "DELETE", &path, None, &[step]).await;
            assert!(refused(&outcomes[0]), "{outcomes:?}");
            assert_eq!(world.stored().await, before);
        }
    }
}
