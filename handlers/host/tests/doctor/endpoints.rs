//! Endpoints for events, as the doctor sees them.

use std::{sync::Arc, time::Duration};

use dezky::{
    Platform, PlatformOptions,
    clock::{Clock as _, SystemClock},
    context::RequestContext,
    domain::{
        CreateEventEndpoint, Event, EventDelivery, EventEndpoint, OutboxEvent, OutboxEventId, event_delivery::Attempt,
    },
    store::{Commit, Repository as _, SharedStore, sqlite::SqliteStore},
};
use serde_json::json;

use crate::{examine, messages, shell};

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_events_do_not_reach_are_told_without_the_secret_in_their_address() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(folder.path(), "http://127.0.0.1:9/");
    assert_eq!(shell.run(&["seed"]).0, 0);
    let store = SqliteStore::open(folder.path().join("dezky.sqlite"), Default::default(), dezky::COLLECTIONS).unwrap();
    let store: SharedStore = Arc::new(store);
    let system = Platform::open(PlatformOptions::new(Arc::clone(&store))).unwrap().as_system("test").unwrap();
    let check = || examine(&shell, &[]).1;
    assert!(messages(&check(), "ok", "event endpoints").contains("no delivery"));
    let create = async |url: &str| {
        let input = CreateEventEndpoint::read(json!({"url": url})).unwrap();
        system.event_endpoints().create(input).await.unwrap().id
    };
    let failing = create("https://hooks.example.eu/a-secret-path").await;
    let late = create("https://other.example.eu/").await;
    let (context, now) = (RequestContext::system("test"), SystemClock.now());
    let mut commit = Commit::new();
    for (place, id, minutes, refused) in [(1, failing, 1, true), (2, failing, 2, true), (3, late, 10, false)] {
        let at = now.minus(Duration::from_secs(minutes * 60));
        let event = OutboxEvent {
            id: OutboxEventId::generate(),
            version: 1,
            action: "tenant.update".to_owned(),
            tenant_id: None,
            user_id: None,
            resource: None,
            changed_fields: Vec::new(),
            created_at: at,
        };
        let endpoint: Option<EventEndpoint> = store.load(&context, id).await.unwrap();
        let mut delivery = EventDelivery::of(&Event::at(place, event), &endpoint.unwrap(), at);
        if refused {
            delivery.note(Attempt::Refused { status: 400, why: "it answered 400".to_owned() }, 0.0, at);
        }
        commit.insert(&delivery).unwrap();
    }
    store.commit(&context, &commit).await.unwrap();
    let findings = check();
    let told = messages(&findings, "warning", &format!("event endpoint {failing}"));
    assert!(told.contains("2 deliveries have failed") && told.contains("it answered 400"), "{told}");
    assert!(told.contains("https://hooks.example.eu") && !told.contains("a-secret-path"), "{told}");
    let told = messages(&findings, "warning", &format!("event endpoint {late}"));
    assert!(told.contains("1 wait in line for more than five minutes"), "{told}");
    assert_eq!(messages(&findings, "ok", "event endpoints"), "");
}
