//! Tests that only the host writes the audit trail and the outbox.

use dezky::domain::{
    audit::{AUDIT_DETAILS, AUDIT_EVENTS},
    outbox::OUTBOX,
    user::USERS,
};
use serde_json::{Value, json};

use super::{BOTH, World, perform};

/// Returns the elements of `after` that are not in `before`.
fn added(before: &[Value], after: Vec<Value>) -> Vec<Value> {
    after.into_iter().filter(|one| !before.contains(one)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_tells_what_was_done_by_whom_in_which_request_and_so_does_the_outbox() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let id = world.acme.to_string();
        let before = (world.all(&AUDIT_EVENTS).await, world.all(&AUDIT_DETAILS).await, world.all(&OUTBOX).await);
        let path = format!("/tenants/{id}");
        let outcomes = world.during("anna", "PATCH", &path, Some(&json!({"name": "Renamed"})), &[perform()]).await;
        assert_eq!(outcomes[0]["ok"]["status"], 200, "{outcomes:?}");
        let events = added(&before.0, world.all(&AUDIT_EVENTS).await);
        assert_eq!(events.len(), 1, "{events:?}");
        let event = &events[0];
        assert_eq!((&event["action"], &event["changedFields"]), (&json!("tenant.update"), &json!(["name"])));
        assert_eq!(event["actor"], json!({"kind": "user", "userId": world.id("anna")}));
        assert_eq!((&event["tenantId"], &event["resource"]["id"]), (&json!(id), &json!(id)));
        assert_eq!(event["at"], json!(dezky::clock::Clock::now(&*world.clock)));
        let details = added(&before.1, world.all(&AUDIT_DETAILS).await);
        assert_eq!(details.len(), 1, "{details:?}");
        assert_eq!(details[0]["id"], event["id"]);
        assert_eq!(details[0]["values"], json!([{"field": "name", "before": "acme", "after": "Renamed"}]));
        let outbox = added(&before.2, world.all(&OUTBOX).await);
        assert_eq!(outbox.len(), 1, "{outbox:?}");
        assert_eq!((&outbox[0]["action"], &outbox[0]["changedFields"]), (&json!("tenant.update"), &json!(["name"])));
        assert_eq!((&outbox[0]["tenantId"], outbox[0].get("userId")), (&json!(id), None));
        // It erases nobody, and the copies are updated.
        while dezky::work::catch_up(&world.service).await.unwrap() > 0 {}
        assert_eq!(world.membership(world.acme, "mark").await["tenantName"], "Renamed");
        assert_eq!(world.document(&USERS, &world.id("eve")).await["email"], "eve@example.eu");
    }
}
