//! Tests the attribution of calls to requests, and what an instance knows about earlier and concurrent ones.

use dezky::context::RequestContext;
use serde_json::{Value, json};

use super::{BOTH, World, nothing, perform, refused, without_effect};
use crate::component::{Compiled, Isolation, exports::Way, tests::stage::hostile};

#[tokio::test(flavor = "multi_thread")]
async fn calls_belong_to_their_own_request_at_concurrency_16() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let both = [
            json!({"call": "get", "collection": "tenants", "id": world.acme.to_string()}),
            json!({"call": "get", "collection": "tenants", "id": world.other.to_string()}),
            json!({"call": "find", "collection": "memberships",
                "equal": [["tenantId", world.other.to_string()], ["active", true]]}),
        ];
        for _ in 0..10 {
            let requests = (0..16).map(|number| {
                let (world, both) = (&world, &both);
                async move {
                    let subject = ["anna", "eve", "mark"][number % 3];
                    (subject, world.script(subject, both).await)
                }
            });
            for (subject, outcomes) in futures_util::future::join_all(requests).await {
                let sees: Vec<bool> = outcomes.iter().map(|outcome| !nothing(outcome)).collect();
                let right = if subject == "eve" { [false, true, true] } else { [true, false, false] };
                assert_eq!(sees, right, "{subject}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_goes_on_after_its_answer_is_not_used_again() {
    for way in [Way::Requests, Way::WasiHttp] {
        let compiled = Compiled { way, ..hostile() };
        let world = World::with(Isolation::Shared, &compiled, RequestContext::DEFAULT_TIMEOUT).await;
        let remember = json!({"call": "remember", "of": "eve"});
        let recall = json!({"call": "recall"});
        world.script("eve", std::slice::from_ref(&remember)).await;
        let recalled = world.script("mark", std::slice::from_ref(&recall)).await;
        assert_eq!(recalled[0], json!([remember]), "{way:?}: it is shared");
        let secret = json!({"call": "get", "collection": "tenants", "id": world.other.to_string()});
        world.script("eve", &[json!({"call": "linger", "then": secret})]).await;
        assert_eq!(world.script("mark", &[recall]).await[0], json!([]), "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_request_knew_or_began_gives_no_right() {
    let world = World::new(Isolation::Shared).await;
    let other = world.other.to_string();
    let secret = json!({"call": "get", "collection": "tenants", "id": other});
    // Eve's request reads, remembers ids and versions, and starts a call that Mark's request finishes.
    let seen = world.script("eve", &[secret.clone(), json!({"call": "begin", "then": secret})]).await;
    let remembered = json!({"call": "remember", "id": seen[0]["ok"]["id"], "version": seen[0]["ok"]["version"]});
    world.script("eve", &[remembered]).await;
    let recalled = world.script("mark", &[json!({"call": "recall"})]).await;
    assert_eq!(recalled[0][0]["id"], other, "memory is shared, which is why no right may follow from it");
    let before = world.stored().await;
    let steps = [secret, perform()];
    for path in [format!("/tenants/{other}"), format!("/tenants/{}", world.acme)] {
        let outcomes = world.during("mark", "PATCH", &path, Some(&json!({"name": "Taken"})), &steps).await;
        assert!(nothing(&outcomes[0]) && without_effect(&outcomes[1]), "{outcomes:?}");
    }
    let ended = world.try_during("mark", "GET", "/anything", None, &[json!({"call": "end"})]).await;
    assert!(ended.status != 200 || nothing(&ended.body[1]), "{ended:?}");
    assert_eq!(world.stored().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_instance_remembers_nothing_of_other_requests() {
    let world = World::new(Isolation::Request).await;
    for _ in 0..4 {
        let requests = (0..16).map(|_| {
            let steps =
                [json!({"call": "recall"}), json!({"call": "remember", "secret": 1}), json!({"call": "recall"})];
            let world = &world;
            async move { world.script("anna", &steps).await }
        });
        for outcomes in futures_util::future::join_all(requests).await {
            assert_eq!((&outcomes[0], outcomes[2].as_array().unwrap().len()), (&json!([]), 1));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_write_has_an_instance_of_its_own_where_others_are_shared_too() {
    let world = World::new(Isolation::Shared).await;
    world.script("anna", &[json!({"call": "remember", "secret": 1})]).await;
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let outcomes = world.during("mark", method, "/anything", None, &[json!({"call": "recall"})]).await;
        assert_eq!(outcomes[0], json!([]), "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calls_of_a_request_are_bounded() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let read = json!({"call": "get", "collection": "tenants", "id": world.acme.to_string()});
        let many = |count: u32| json!({"call": "many", "count": count, "then": read});
        let outcomes: Vec<Value> = world.script("mark", &[many(1_900), many(200)]).await;
        assert_eq!(outcomes[0]["ok"]["slug"], "acme");
        assert!(refused(&outcomes[1]), "{outcomes:?}");
    }
}
