//! The second lock: a component that asks for more than the caller of its request may have, or writes other than asked.

mod callers;
mod reading;
mod together;
mod trail;
mod writing;

use dezky::clock::Clock as _;
use serde_json::{Value, json};

use super::world::World;
use crate::component::Isolation;

const BOTH: [Isolation; 2] = [Isolation::Shared, Isolation::Request];

/// Nothing was got: a refusal, or what is absent.
fn nothing(outcome: &Value) -> bool {
    !outcome["error"].is_null()
        || outcome["ok"].is_null() && outcome.get("ok").is_some()
        || outcome["ok"].as_array().is_some_and(Vec::is_empty)
        || outcome["ok"] == 0
}

fn refused(outcome: &Value) -> bool {
    outcome["error"]["refused"].is_string()
}

/// A change of a document: some fields are set, and those that are null taken away. The version goes on, as it should.
fn update(world: &World, collection: &str, before: &Value, set: &Value) -> Value {
    let mut after = before.clone();
    let members = after.as_object_mut().unwrap();
    members.insert("version".to_owned(), json!(before["version"].as_u64().unwrap() + 1));
    members.insert("updatedAt".to_owned(), json!(world.clock.now()));
    for (name, value) in set.as_object().unwrap() {
        members.insert(name.clone(), value.clone());
    }
    members.retain(|_, value| !value.is_null());
    json!({"collection": collection, "id": before["id"], "expected": before["version"], "json": after})
}

/// A new document.
fn insert(collection: &str, document: &Value) -> Value {
    json!({"collection": collection, "id": document["id"], "json": document})
}

/// A new membership by a person's word, as the core makes it.
fn membership(world: &World, tenant: &str, slug: &str, name: &str, role: &str) -> Value {
    let now = world.clock.now();
    json!({
        "id": world.new_id(), "version": 1, "tenantId": tenant, "userId": world.id(name), "role": role,
        "source": "grant", "active": true, "changedAt": now, "tenantSlug": slug, "tenantName": slug,
        "tenantNameKey": slug, "userName": name, "userNameKey": name, "userEmail": format!("{name}@example.eu"),
        "userEmailKey": format!("{name}@example.eu"), "createdAt": now, "updatedAt": now,
    })
}

/// A commit of these changes, with a trail that tells of something else.
fn commit(world: &World, changes: &[Value]) -> Value {
    let (commit, event) = (world.new_id(), world.new_id());
    let (now, eve) = (world.clock.now(), world.id("eve"));
    let mut all = changes.to_vec();
    all.push(insert(
        "audit_events",
        &json!({
            "id": event, "version": 1, "at": now, "actor": {"kind": "user", "userId": eve}, "action": "user.delete",
            "resource": {"type": "user", "id": eve}, "userId": eve, "requestId": "forged", "changedFields": [],
        }),
    ));
    all.push(insert(
        "audit_details",
        &json!({
            "id": event, "version": 1, "userId": eve, "values": [{"field": "name", "before": "forged"}],
        }),
    ));
    all.push(insert(
        "outbox",
        &json!({
            "id": commit, "version": 1, "action": "user.delete", "userId": eve, "changedFields": [], "createdAt": now,
        }),
    ));
    json!({"call": "commit", "id": commit, "changes": all})
}
