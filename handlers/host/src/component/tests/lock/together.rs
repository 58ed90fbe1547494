//! Runs all attacks concurrently, by everybody, in shared instances.

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::{BOTH, World, nothing, perform, without_effect, writing};

/// An attack: a person, a request and a script step, which must obtain nothing.
struct Try {
    name: &'static str,
    method: &'static str,
    path: String,
    body: Value,
    step: Value,
}

/// Returns reads that none of these people may make.
fn reads(world: &World) -> Vec<Try> {
    let (acme, other, gone) = (world.acme.to_string(), world.other.to_string(), world.gone.to_string());
    let of = |name: &'static str, step: Value| Try {
        name,
        method: "GET",
        path: "/anything".to_owned(),
        body: Value::Null,
        step,
    };
    let mut all = Vec::new();
    for (name, tenant) in [
        ("anna", &other),
        ("ada", &other),
        ("mark", &other),
        ("eve", &acme),
        ("sam", &gone),
        ("bea", &other),
        ("dora", &acme),
    ] {
        for step in [
            json!({"call": "get", "collection": "tenants", "id": tenant}),
            json!({"call": "find", "collection": "memberships", "equal": [["tenantId", tenant], ["active", true]]}),
            json!({"call": "find", "collection": "subscriptions", "keys": [format!("current:{tenant}")]}),
            json!({"call": "find", "collection": "audit_events", "equal": [["tenantId", tenant]]}),
            json!({"call": "find", "collection": "tenants"}),
            json!({"call": "get", "collection": "users", "id": world.id("root")}),
            json!({"call": "find", "collection": "users", "keys": ["subject:default:root"]}),
        ] {
            all.push(of(name, step));
        }
    }
    for name in ["root", "anna", "eve"] {
        for collection in ["platform_secrets", "key_sets", "outbox", "audit_details", "user_activity"] {
            all.push(of(name, json!({"call": "find", "collection": collection})));
        }
        all.push(of(name, json!({"call": "find", "collection": "idempotency_records", "keys": ["request:0"]})));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_attacks_at_a_time_get_nothing_and_change_nothing() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let before = world.stored().await;
        let mut all = reads(&world);
        all.extend(writing::attacks(&world).await.into_iter().map(|attack| {
            let writing::Attack { name, method, path, body } = attack;
            Try { name, method, path, body, step: perform() }
        }));
        // Interleave reads and writes of different people; each remembers what it learns for later ones.
        all.sort_by_key(|one| format!("{} {}", one.step, one.path).bytes().map(u64::from).sum::<u64>() % 97);
        stream::iter(&all)
            .for_each_concurrent(16, |Try { name, method, path, body, step }| {
                let world = &world;
                async move {
                    let steps = [json!({"call": "remember", "of": name}), step.clone(), step.clone()];
                    let answer = world.try_during(name, method, path, Some(body), &steps).await;
                    // `HEAD` returns no body.
                    let mut outcomes = answer.body.as_array().into_iter().flatten().skip(2);
                    let got = outcomes.find(|outcome| !nothing(outcome) && !without_effect(outcome));
                    assert_eq!(got, None, "{name} {method} {path} {step}");
                }
            })
            .await;
        assert_eq!(world.stored().await, before);
    }
}
