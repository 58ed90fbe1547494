//! The stream of events: resumable, and ended with the right to see it.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, BodyDataStream},
};
use dezky::{
    Result,
    authn::VerifiedToken,
    clock::Clock as _,
    context::RequestContext,
    domain::{MembershipRole, TenantId, UpdateTenant, UserId},
    http::{HttpState, Identity, router},
    service::{ListRequest, Principal, Service, ServiceSettings, events::EventFilter},
    store::SharedStore,
    test_kit::ManualClock,
    work::{StoreChanges, catch_up, forget_expired},
};
use futures_util::StreamExt as _;
use http::{HeaderMap, Request, Response};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use support::{grant, on_every_store, person, system, token};

on_every_store! {
    events_are_followed_as_they_come_and_by_type,
    a_stream_goes_on_after_the_last_event_that_was_seen,
    a_stream_ends_when_the_right_to_see_it_does,
    only_those_who_may_read_the_trail_follow_events,
    events_are_listed_in_pages_and_kept_for_a_time,
    many_events_come_once_each_in_order,
}

/// Callers are put into requests by their principal.
#[derive(Debug)]
struct Nobody;

#[async_trait::async_trait]
impl Identity for Nobody {
    async fn caller(&self, _: &RequestContext, _: &HeaderMap) -> Result<Arc<VerifiedToken>> {
        panic!("every request here has a principal")
    }
}

struct World {
    clock: Arc<ManualClock>,
    service: Arc<Service>,
    router: Router,
    tenant: TenantId,
    anna: UserId,
}

impl World {
    /// Creates a tenant with an owner `anna`. Everything is numbered.
    async fn on(store: SharedStore) -> Self {
        let clock = Arc::new(ManualClock::at_now());
        let service = Arc::new(Service::new(Arc::clone(&store), Arc::clone(&clock) as _, ServiceSettings::default()));
        let tenant = support::tenant(&service, "acme").await;
        let anna = person(&service, "anna").await;
        grant(&service, tenant, anna, MembershipRole::Owner).await;
        catch_up(&service).await.unwrap();
        let mut state = HttpState::new(Arc::clone(&service), Arc::new(Nobody));
        state.live = Some(StoreChanges::of(store));
        Self { clock, service, router: router(state), tenant, anna }
    }

    fn anna(&self) -> Principal {
        Principal::Token(token("anna", None, self.clock.now()))
    }

    async fn rename(&self, name: &str) {
        let input = UpdateTenant::read(json!({"name": name})).unwrap();
        self.service.update_tenant(&system(), &self.tenant.into(), input).await.unwrap();
    }

    /// Numbers what was committed, as the workers of a server do.
    async fn number(&self) {
        catch_up(&self.service).await.unwrap();
    }

    async fn ask(&self, by: Principal, path: &str, last: Option<&str>) -> Response<Body> {
        let mut request = Request::get(path).header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(by);
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn follow(&self, by: Principal, path: &str, last: Option<&str>) -> Stream {
        let response = self.ask(by, path, last).await;
        assert_eq!(response.status(), 200);
        let mut stream = Stream { body: response.into_body().into_data_stream(), text: String::new() };
        assert!(stream.frame().await.unwrap().contains("retry:"));
        stream
    }
}

/// The events of an answer.
struct Stream {
    body: BodyDataStream,
    text: String,
}

impl Stream {
    async fn frame(&mut self) -> Option<String> {
        loop {
            if let Some((frame, rest)) = self.text.split_once("\n\n") {
                let frame = frame.to_owned();
                self.text = rest.to_owned();
                return Some(frame);
            }
            let more = self.body.next().await?;
            self.text.push_str(std::str::from_utf8(&more.unwrap()).unwrap());
        }
    }

    /// Returns the id and the data of the next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<(String, Value)> {
        tokio::time::timeout(Duration::from_secs(60), self.event()).await.expect("an event in time")
    }

    async fn event(&mut self) -> Option<(String, Value)> {
        loop {
            let frame = self.frame().await?;
            let of = |field: &str| frame.lines().find_map(|line| line.strip_prefix(field)).map(str::trim);
            if let Some(data) = of("data:") {
                return Some((of("id:").unwrap_or_default().to_owned(), serde_json::from_str(data).unwrap()));
            }
        }
    }

    /// Returns the type of the next event.
    async fn kind(&mut self) -> String {
        self.next().await.unwrap().1["type"].as_str().unwrap().to_owned()
    }
}

async fn events_are_followed_as_they_come_and_by_type(store: SharedStore) {
    let world = World::on(store).await;
    let mut own = world.follow(world.anna(), "/events?tenant=acme", None).await;
    let mut chosen =
        world.follow(Principal::System("report".to_owned()), "/events?types=membership.*,user.create", None).await;
    world.rename("New").await;
    let ben = person(&world.service, "ben").await;
    grant(&world.service, world.tenant, ben, MembershipRole::Member).await;
    world.number().await;
    let (id, event) = own.next().await.unwrap();
    assert_eq!(id, event["id"].as_str().unwrap());
    assert_eq!(event["type"], "tenant.update");
    assert_eq!(event["tenantId"], json!(world.tenant));
    assert_eq!(event["data"]["changedFields"], json!(["name"]));
    assert_eq!(own.kind().await, "membership.grant");
    assert_eq!(chosen.kind().await, "user.create");
    assert_eq!(chosen.kind().await, "membership.grant");
}

async fn a_stream_goes_on_after_the_last_event_that_was_seen(store: SharedStore) {
    let world = World::on(store).await;
    let mut stream = world.follow(world.anna(), "/events?tenant=acme", None).await;
    world.rename("One").await;
    world.number().await;
    let (seen, _) = stream.next().await.unwrap();
    drop(stream);
    for name in ["Two", "Three"] {
        world.rename(name).await;
    }
    world.number().await;
    let mut stream = world.follow(world.anna(), "/events?tenant=acme", Some(&seen)).await;
    let ids = [stream.next().await.unwrap().0, stream.next().await.unwrap().0];
    assert!(!ids.contains(&seen) && ids[0] != ids[1]);
    // The same by the parameter, for clients that cannot set headers.
    let mut stream = world.follow(world.anna(), &format!("/events?tenant=acme&cursor={}", ids[0]), None).await;
    assert_eq!(stream.next().await.unwrap().0, ids[1]);
    // An event of another tenant, one that never was, and no id at all.
    let other = support::tenant(&world.service, "other").await;
    world.number().await;
    let all = world.service.list_events(&system(), &EventFilter::default(), &ListRequest::default()).await.unwrap();
    let foreign = all.items.iter().find(|event| event.tenant_id == Some(other)).unwrap().id.to_string();
    for last in [foreign.as_str(), "65f0c0ffee0000000000cafe", "nonsense"] {
        assert_eq!(world.ask(world.anna(), "/events?tenant=acme", Some(last)).await.status(), 400, "{last}");
    }
}

async fn a_stream_ends_when_the_right_to_see_it_does(store: SharedStore) {
    let world = World::on(store).await;
    let ben = person(&world.service, "ben").await;
    grant(&world.service, world.tenant, ben, MembershipRole::Owner).await;
    world.number().await;
    let mut stream = world.follow(world.anna(), "/events?tenant=acme", None).await;
    world.rename("Seen").await;
    world.number().await;
    assert_eq!(stream.kind().await, "tenant.update");
    // The revocation itself is an event, and so is what comes after it: neither is seen.
    world.service.revoke_membership(&system(), &world.tenant.into(), world.anna).await.unwrap();
    world.rename("Not seen").await;
    world.number().await;
    let (_, problem) = stream.next().await.unwrap();
    assert_eq!((&problem["code"], &problem["status"]), (&json!("not_found"), &json!(404)));
    assert_eq!(stream.next().await, None);
}

async fn only_those_who_may_read_the_trail_follow_events(store: SharedStore) {
    let world = World::on(store).await;
    let ben = person(&world.service, "ben").await;
    grant(&world.service, world.tenant, ben, MembershipRole::Member).await;
    person(&world.service, "cleo").await;
    let by = |name: &str| Principal::Token(token(name, None, world.clock.now()));
    for (caller, path, status) in [
        ("anna", "/events?tenant=acme", 200),
        ("anna", "/events", 403),
        ("ben", "/events?tenant=acme", 403),
        ("cleo", "/events?tenant=acme", 404),
        ("anna", "/events?tenant=acme&types=tenant", 422),
    ] {
        assert_eq!(world.ask(by(caller), path, None).await.status(), status, "{caller} {path}");
    }
}

async fn events_are_listed_in_pages_and_kept_for_a_time(store: SharedStore) {
    let world = World::on(store).await;
    for number in 0..4 {
        world.rename(&format!("New {number}")).await;
    }
    world.number().await;
    let of_tenant = EventFilter { tenant: Some(world.tenant.into()), types: vec!["tenant.update".to_owned()] };
    let mut request = ListRequest { limit: Some(3), cursor: None };
    let page = world.service.list_events(&system(), &of_tenant, &request).await.unwrap();
    assert_eq!(page.items.len(), 3);
    request.cursor = page.next_cursor;
    let page = world.service.list_events(&system(), &of_tenant, &request).await.unwrap();
    assert_eq!((page.items.len(), page.next_cursor), (1, None));
    let kept = world.service.settings().event_retention;
    world.clock.advance(kept - Duration::from_secs(60));
    world.number().await;
    let all = EventFilter::default();
    let listed = async || world.service.list_events(&system(), &all, &ListRequest::default()).await.unwrap().items;
    assert_eq!(listed().await.len(), 7);
    world.clock.advance(Duration::from_secs(120));
    forget_expired(&world.service).await.unwrap();
    world.number().await;
    assert_eq!(listed().await, []);
}

/// More than one batch, written while the stream is read.
async fn many_events_come_once_each_in_order(store: SharedStore) {
    const MANY: usize = 450;
    let world = Arc::new(World::on(store).await);
    let mut stream = world.follow(world.anna(), "/events?tenant=acme", None).await;
    let writing = Arc::clone(&world);
    let writer = tokio::spawn(async move {
        for number in 0..MANY {
            writing.rename(&format!("New {number}")).await;
            if number % 90 == 0 {
                writing.number().await;
            }
        }
        writing.number().await;
    });
    let mut ids = Vec::new();
    for _ in 0..MANY {
        ids.push(stream.next().await.unwrap().0);
    }
    writer.await.unwrap();
    let filter = EventFilter { tenant: Some(world.tenant.into()), types: vec!["tenant.update".to_owned()] };
    let mut request = ListRequest { limit: Some(200), cursor: None };
    let mut listed = Vec::new();
    loop {
        let page = world.service.list_events(&system(), &filter, &request).await.unwrap();
        listed.extend(page.items.into_iter().map(|event| event.id.to_string()));
        match page.next_cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(ids, listed);
}
