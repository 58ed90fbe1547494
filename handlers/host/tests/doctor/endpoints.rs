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
    let held = create("https://third.example.eu/").await;
    let (context, now) = (RequestContext::system("test"), SystemClock.now());
    let mut commit = Commit::new();
    let attempts =
        [(1, failing, 1, "refused"), (2, failing, 2, "given up"), (3, late, 10, "late"), (4, held, 1, "held")];
    for (place, id, minutes, what) in attempts {
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
        match what {
            "refused" => delivery.note(Attempt::Refused { status: 400, why: "it answered 400".to_owned() }, 0.0, at),
            "given up" => delivery.give_up("it waited for too long", at),
            "held" => {
                let why = "it answered 503".to_owned();
                let retry_after = Some(Duration::from_secs(3_600));
                delivery.note(Attempt::Unavailable { status: Some(503), why, retry_after }, 0.0, at);
            }
            _ => {}
        }
        delivery.updated_at = at;
        commit.insert(&delivery).unwrap();
    }
    store.commit(&context, &commit).await.unwrap();
    let findings = check();
    let told = messages(&findings, "warning", &format!("event endpoint {failing}"));
    for part in
        ["tried again: 1", "given up in a day: 1", "last failure: it answered 400", "https://hooks.example.eu: "]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("a-secret-path"), "{told}");
    let told = messages(&findings, "warning", &format!("event endpoint {late}"));
    assert!(told.contains("its line waits since") && !told.contains("failure"), "{told}");
    let told = messages(&findings, "warning", &format!("event endpoint {held}"));
    assert!(told.contains("its line waits since") && told.contains("it answered 503"), "{told}");
    assert_eq!(messages(&findings, "ok", "event endpoints"), "");
}
