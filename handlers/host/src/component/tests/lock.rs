//! The second lock: a component that asks for more than the caller of its request may have.

use dezky::{
    context::RequestContext,
    domain::{
        Membership, MembershipRole, ObjectId, User, audit::AUDIT_EVENTS, membership::MEMBERSHIPS, tenant::TENANTS,
        user::USERS,
    },
    store::{Query, Repository as _},
};
use serde_json::{Value, json};

use super::world::World;
use crate::component::Isolation;

const BOTH: [Isolation; 2] = [Isolation::Shared, Isolation::Request];

/// Nothing was got: a refusal, or what is absent.
fn nothing(outcome: &Value) -> bool {
    outcome["error"]["refused"].is_string()
        || outcome["ok"].is_null() && outcome.get("ok").is_some()
        || outcome["ok"].as_array().is_some_and(Vec::is_empty)
        || outcome["ok"] == 0
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_others_are_as_absent_and_all_documents_are_refused() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let (acme, other) = (world.acme.to_string(), world.other.to_string());
        let (mark, eve) = (world.mark.to_string(), world.eve.to_string());
        let own = [
            json!({"call": "get", "collection": "tenants", "id": acme}),
            json!({"call": "get", "collection": "users", "id": mark}),
            json!({"call": "find", "collection": "memberships", "equal": [["tenantId", acme]]}),
            json!({"call": "find", "collection": "subscriptions", "equal": [["tenantId", acme]]}),
        ];
        for (step, outcome) in own.iter().zip(world.script("mark", &own).await) {
            assert!(!nothing(&outcome), "{step}: {outcome}");
        }
        let foreign = [
            json!({"call": "get", "collection": "tenants", "id": other}),
            json!({"call": "find", "collection": "tenants", "ids": [other]}),
            json!({"call": "find", "collection": "tenants", "keys": ["slug:other"]}),
            json!({"call": "get", "collection": "users", "id": eve}),
            json!({"call": "get", "collection": "users", "id": world.anna.to_string()}),
            json!({"call": "find", "collection": "users", "keys": ["subject:default:eve"]}),
            json!({"call": "find", "collection": "memberships", "equal": [["tenantId", other]]}),
            json!({"call": "find", "collection": "memberships", "equal": [["userId", eve]]}),
            json!({"call": "find", "collection": "memberships", "keys": [format!("member:{other}:{eve}")]}),
            json!({"call": "find", "collection": "subscriptions", "equal": [["tenantId", other]]}),
            json!({"call": "find", "collection": "subscriptions", "keys": [format!("current:{other}")]}),
            json!({"call": "find", "collection": "audit_events", "equal": [["tenantId", other]]}),
            // A member does not read the trail of their own tenant either.
            json!({"call": "find", "collection": "audit_events", "equal": [["tenantId", acme]]}),
            json!({"call": "count", "collection": "memberships", "equal": [["tenantId", other]]}),
            json!({"call": "count", "collection": "tenants", "ids": [other]}),
            json!({"call": "hash", "issuer": "default", "subject": "eve"}),
        ];
        for (step, outcome) in foreign.iter().zip(world.script("mark", &foreign).await) {
            assert!(nothing(&outcome) || outcome["error"] == "forbidden", "{step}: {outcome}");
        }
        let every = ["tenants", "users", "memberships", "subscriptions", "audit_events"];
        let steps: Vec<Value> = every.iter().map(|name| json!({"call": "find", "collection": name})).collect();
        for (step, outcome) in steps.iter().zip(world.script("mark", &steps).await) {
            assert!(outcome["error"]["refused"].is_string(), "{step}: {outcome}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_tokens_and_events_are_refused_even_for_the_platform() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let names = [
            "platform_secrets",
            "key_sets",
            "outbox",
            "audit_details",
            "user_activity",
            "idempotency_records",
            "ended_sessions",
        ];
        let mut steps: Vec<Value> = names.iter().map(|name| json!({"call": "find", "collection": name})).collect();
        steps.push(json!({"call": "find", "collection": "platform_secrets", "keys": ["secret:subject-hash"]}));
        steps.push(json!({"call": "find", "collection": "idempotency_records", "keys": ["request:0"]}));
        for subject in ["root", "anna"] {
            for (step, outcome) in steps.iter().zip(world.script(subject, &steps).await) {
                assert!(outcome["error"]["refused"].is_string(), "{step}: {outcome}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_caller_the_store_answers_nothing() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let script = json!([
            {"call": "get", "collection": "tenants", "id": world.acme.to_string()},
            {"call": "caller"},
            {"call": "get", "collection": "tenants", "id": world.acme.to_string()},
        ]);
        let answer = world.send(None, "GET", "/script", ("x-script", &script.to_string()), None).await;
        assert!(answer.body[0]["error"]["refused"].is_string(), "{answer:?}");
        assert_eq!(answer.body[1]["error"], "token_missing");
        assert!(answer.body[2]["error"]["refused"].is_string(), "{answer:?}");
        // Nor does a verified token count before the component has asked for it.
        let answer = world.send(Some("anna"), "GET", "/script", ("x-script", &script.to_string()), None).await;
        assert!(answer.body[0]["error"]["refused"].is_string(), "{answer:?}");
        assert_eq!(answer.body[2]["ok"]["slug"], "acme");
    }
}

/// A commit with its events, as the core would write it for somebody, who may be made up.
fn commit(action: &str, kind: &str, (collection, id): (&str, &str), change: &Value, actor: &Value) -> Value {
    let (commit, event) = (ObjectId::generate().to_string(), ObjectId::generate().to_string());
    let (tenant, user) = match kind {
        "tenant" => (json!(id), Value::Null),
        "user" => (Value::Null, json!(id)),
        _ => (change["json"]["tenantId"].clone(), change["json"]["userId"].clone()),
    };
    let mut audit = json!({
        "id": event, "version": 1, "at": "2020-01-01T00:00:00.000Z", "actor": actor, "action": action,
        "resource": {"type": kind, "id": id}, "requestId": "forged", "changedFields": [],
    });
    let mut outbox = json!({
        "id": commit, "version": 1, "action": action, "changedFields": [], "createdAt": "2020-01-01T00:00:00.000Z",
    });
    for told in [&mut audit, &mut outbox] {
        for (field, value) in [("tenantId", &tenant), ("userId", &user)] {
            if !value.is_null() {
                told[field] = value.clone();
            }
        }
    }
    let mut change = change.clone();
    change["collection"] = json!(collection);
    change["id"] = json!(id);
    json!({"call": "commit", "id": commit, "changes": [
        change,
        {"collection": "audit_events", "id": event, "json": audit},
        {"collection": "outbox", "id": commit, "json": outbox},
    ]})
}

async fn membership(world: &World, tenant: dezky::domain::TenantId, user: dezky::domain::UserId) -> Membership {
    let key = Membership::key(tenant, user);
    world.store.load_unique(&RequestContext::system("test"), key).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_promoted_by_the_component() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let context = RequestContext::system("test");
        let own = membership(&world, world.acme, world.mark).await;
        let mut raised = own.clone();
        raised.role = MembershipRole::Owner;
        raised.version += 1;
        let id = own.id.to_string();
        let change =
            json!({"expected": own.version, "json": raised, "keys": [Membership::key(world.acme, world.mark)]});
        let as_mark = json!({"kind": "user", "userId": world.mark.to_string()});
        let read = json!({"call": "get", "collection": "memberships", "id": id});
        let raise = commit("membership.update", "membership", ("memberships", &id), &change, &as_mark);
        // By the member, and by a platform administrator whose request asks for nothing of the kind.
        let outcomes = world.script("mark", &[read, raise]).await;
        assert!(outcomes[1]["error"]["refused"].is_string(), "{outcomes:?}");
        assert_eq!(membership(&world, world.acme, world.mark).await.role, MembershipRole::Member);

        for subject in ["mark", "root"] {
            let user: User = world.store.load(&context, world.mark).await.unwrap().unwrap();
            let mut admin = user.clone();
            admin.platform_admin = true;
            admin.version += 1;
            let id = user.id.to_string();
            let change = json!({"expected": user.version, "json": admin, "keys": ["subject:default:mark"]});
            let read = json!({"call": "get", "collection": "users", "id": id});
            let outcomes =
                world.script(subject, &[read, commit("user.update", "user", ("users", &id), &change, &as_mark)]).await;
            assert!(outcomes[1]["error"]["refused"].is_string(), "{subject}: {outcomes:?}");
        }
        let user: User = world.store.load(&context, world.mark).await.unwrap().unwrap();
        assert!(!user.platform_admin);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_cannot_be_forged_and_names_the_caller_and_the_request() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let context = RequestContext::system("test");
        let id = world.acme.to_string();
        let stored = world.store.get(&context, &TENANTS, world.acme.0).await.unwrap().unwrap();
        let mut renamed: Value = serde_json::from_str(&stored.json).unwrap();
        renamed["name"] = json!("Renamed");
        renamed["nameKey"] = json!("renamed");
        renamed["version"] = json!(stored.version + 1);
        let change = json!({"expected": stored.version, "json": renamed, "keys": ["slug:acme"]});
        let read = json!({"call": "get", "collection": "tenants", "id": id});
        let forged = json!({"kind": "user", "userId": world.eve.to_string()});
        let honest = commit("tenant.update", "tenant", ("tenants", &id), &change, &forged);
        let mut silent = honest.clone();
        silent["changes"].as_array_mut().unwrap().truncate(1);
        let mut alone = honest.clone();
        alone["changes"].as_array_mut().unwrap().remove(0);
        let mut foreign = honest.clone();
        foreign["changes"][1]["json"]["tenantId"] = json!(world.other.to_string());
        let mut erasing = honest.clone();
        erasing["changes"][2]["json"]["action"] = json!("user.delete");
        for wrong in [silent, alone, foreign, erasing] {
            let outcomes = world.script("anna", &[read.clone(), wrong.clone()]).await;
            assert!(outcomes[1]["error"]["refused"].is_string(), "{wrong}: {outcomes:?}");
        }
        let outcomes = world.script("anna", &[read, honest]).await;
        assert!(outcomes[1].get("ok").is_some(), "{outcomes:?}");
        let events = world.store.find(&context, &Query::new(&AUDIT_EVENTS).limit(1_000)).await.unwrap();
        let events: Vec<Value> = events.iter().map(|event| serde_json::from_str(&event.json).unwrap()).collect();
        let told: Vec<&Value> = events.iter().filter(|event| event["action"] == "tenant.update").collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["actor"], json!({"kind": "user", "userId": world.anna.to_string()}));
        assert_ne!(told[0]["requestId"], "forged");
        assert!(told[0]["at"].as_str().unwrap() > "2026", "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_peoples_documents_are_not_written_nor_probed() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let context = RequestContext::system("test");
        let stored = world.store.get(&context, &TENANTS, world.other.0).await.unwrap().unwrap();
        let mut renamed: Value = serde_json::from_str(&stored.json).unwrap();
        renamed["name"] = json!("Taken");
        renamed["version"] = json!(stored.version + 1);
        let id = world.other.to_string();
        let change = json!({"expected": stored.version, "json": renamed, "keys": ["slug:other"]});
        let as_anna = json!({"kind": "user", "userId": world.anna.to_string()});
        let steps = [
            json!({"call": "get", "collection": "tenants", "id": id}),
            commit("tenant.update", "tenant", ("tenants", &id), &change, &as_anna),
            json!({"call": "commit", "id": ObjectId::generate().to_string(), "changes": [],
                   "guards": [{"collection": "users", "id": world.eve.to_string(), "version": 1}]}),
            json!({"call": "commit", "id": ObjectId::generate().to_string(), "changes": [
                {"collection": "platform_secrets", "id": ObjectId::generate().to_string(), "json": {"name": "x"}}]}),
        ];
        let outcomes = world.script("anna", &steps).await;
        assert!(outcomes.iter().all(nothing), "{outcomes:?}");
        let after = world.store.get(&context, &TENANTS, world.other.0).await.unwrap().unwrap();
        assert_eq!(after, stored);
        assert_eq!(world.store.find(&context, &Query::new(&USERS)).await.unwrap().len(), 4);
        assert_eq!(world.store.find(&context, &Query::new(&MEMBERSHIPS)).await.unwrap().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_belong_to_their_own_request_at_concurrency_16() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let both = [
            json!({"call": "get", "collection": "tenants", "id": world.acme.to_string()}),
            json!({"call": "get", "collection": "tenants", "id": world.other.to_string()}),
            json!({"call": "find", "collection": "memberships", "equal": [["tenantId", world.other.to_string()]]}),
        ];
        for _ in 0..25 {
            let requests = (0..16).map(|number| {
                let (world, both) = (&world, &both);
                async move {
                    let subject = ["anna", "eve", "mark"][number % 3];
                    (subject, world.script(subject, both).await)
                }
            });
            for (subject, outcomes) in futures_util::future::join_all(requests).await {
                let sees: Vec<bool> = outcomes.iter().map(|outcome| !nothing(outcome)).collect();
                assert_eq!(
                    sees,
                    if subject == "eve" { [false, true, true] } else { [true, false, false] },
                    "{subject}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_on_after_the_answer_belongs_to_nobody() {
    let world = World::new(Isolation::Shared).await;
    let lingering =
        json!({"call": "linger", "then": {"call": "get", "collection": "tenants", "id": world.other.to_string()}});
    world.script("eve", &[lingering]).await;
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let got = loop {
        let outcomes = world.script("mark", &[json!({"call": "recall"})]).await;
        match outcomes[0].as_array().unwrap().first() {
            Some(got) => break got.clone(),
            None => assert!(std::time::Instant::now() < end, "it did not go on"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert!(got["error"]["refused"].is_string(), "{got}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_instance_remembers_nothing_of_earlier_requests() {
    let world = World::new(Isolation::Request).await;
    for _ in 0..8 {
        let steps = [json!({"call": "recall"}), json!({"call": "remember", "secret": 1})];
        let outcomes = world.script("anna", &steps).await;
        assert_eq!(outcomes[0], json!([]));
    }
}
