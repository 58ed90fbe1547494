//! Events out: deliveries to endpoints over real HTTP, on an injected clock.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "webhooks/endpoints.rs"]
mod endpoints;
#[path = "webhooks/random.rs"]
mod random;
#[path = "outbound/server.rs"]
#[allow(dead_code, reason = "each test uses its part")]
mod server;
mod support;
#[path = "webhooks/world.rs"]
mod world;

use std::{sync::Arc, time::Duration};

use dezky::{
    domain::{DeliveryStatus, MembershipRole, UpdateUser},
    outbound::OutboundOptions,
    service::event_endpoints::Replay,
    store::SharedStore,
    work::{Driver, Task, Webhooks, catch_up, forget_expired},
};
use serde_json::json;
use tokio::sync::{Notify, mpsc};

use server::{Server, answer};
use support::{grant, on_every_store, person, system};
use world::{World, verify};

const HOUR: Duration = Duration::from_secs(3_600);

on_every_store! {
    events_come_signed_in_order_and_without_values,
    a_tenant_gets_its_own_events_and_the_platform_all,
    types_are_filtered_and_what_is_inactive_gets_nothing,
    what_fails_is_retried_over_three_days_and_then_kept_as_a_dead_letter,
    an_outage_keeps_the_order,
    what_is_refused_holds_up_no_other,
    an_endpoint_that_is_gone_is_made_inactive,
    an_endpoint_says_when_to_come_back,
    a_slow_endpoint_delays_no_other,
    retries_of_a_slow_endpoint_delay_no_other,
    personal_values_come_where_they_are_asked_for_and_end_with_an_erasure,
    another_address_gets_no_personal_values,
    after_a_rotation_both_secrets_sign_for_a_day,
    what_was_delivered_is_replayed_by_id_and_by_time,
    a_removed_endpoint_and_a_deleted_tenant_get_nothing,
    two_processes_lose_nothing,
    the_driver_delivers_by_itself,
    only_allowed_addresses_are_reached,
    deliveries_are_removed_after_two_weeks,
    events_wait_in_the_log_for_their_deliveries,
}

async fn events_come_signed_in_order_and_without_values(store: SharedStore) {
    let world = World::on(store).await;
    let receiver = Server::answering(204, &[], "").await;
    let (endpoint, secret) = world.endpoint(Some(world.tenant), &receiver.url, &[]).await;
    for name in ["Erste", "Zweite", "Dritte"] {
        world.rename(name).await;
    }
    world.deliver().await;
    let arrived = receiver.arrived();
    let bodies = world::bodies(&receiver);
    let types: Vec<&str> = bodies.iter().map(|body| body["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["event_endpoint.create", "tenant.update", "tenant.update", "tenant.update"]);
    for (request, body) in arrived.iter().zip(&bodies) {
        verify(&secret, request);
        assert_eq!(request.header("webhook-id").unwrap(), body["id"].as_str().unwrap());
        assert_eq!(body["tenantId"], json!(world.tenant));
        assert_eq!(request.header("authorization"), None);
        assert!(!String::from_utf8_lossy(&request.body).contains("weite"), "a value is in the webhook");
    }
    assert_eq!(bodies[1]["data"]["resource"], json!({"type": "tenant", "id": world.tenant}));
    assert_eq!(bodies[1]["data"]["changedFields"], json!(["name"]));
    assert_eq!(bodies[0]["data"]["resource"]["id"], json!(endpoint.id));
    // In the order of the audit trail, under its ids.
    let trail = world.trail().await;
    let ids: Vec<&str> = bodies.iter().map(|body| body["id"].as_str().unwrap()).collect();
    assert_eq!(ids, trail[trail.len() - 4..]);
    world.deliver().await;
    assert_eq!(receiver.arrived().len(), 4, "something came twice");
    for delivery in world.deliveries(&endpoint).await {
        assert_eq!((delivery.status, delivery.response_status), (DeliveryStatus::Delivered, Some(204)));
    }
}

async fn a_tenant_gets_its_own_events_and_the_platform_all(store: SharedStore) {
    let world = World::on(store).await;
    let (own, all) = (Server::answering(200, &[], "").await, Server::answering(200, &[], "").await);
    let (_, _) = world.endpoint(Some(world.tenant), &own.url, &[]).await;
    world.endpoint(None, &all.url, &[]).await;
    let other = support::tenant(&world.service, "other").await;
    let anna = person(&world.service, "anna").await;
    grant(&world.service, other, anna, MembershipRole::Owner).await;
    world.rename("New").await;
    world.deliver().await;
    assert!(world::bodies(&own).iter().all(|body| body["tenantId"] == json!(world.tenant)));
    let types = |bodies: &[serde_json::Value], tenant: Option<dezky::domain::TenantId>| {
        let of_tenant =
            bodies.iter().filter(|body| body.get("tenantId") == tenant.map(|tenant| json!(tenant)).as_ref());
        of_tenant.map(|body| body["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = world::bodies(&all);
    assert_eq!(types(&world::bodies(&own), Some(world.tenant)), ["event_endpoint.create", "tenant.update"]);
    assert_eq!(types(&all, Some(world.tenant)), ["event_endpoint.create", "tenant.update"]);
    assert_eq!(types(&all, Some(other)), ["tenant.create", "membership.grant"]);
    assert_eq!(types(&all, None), ["event_endpoint.create_platform", "user.create"]);
}

async fn types_are_filtered_and_what_is_inactive_gets_nothing(store: SharedStore) {
    let world = World::on(store).await;
    let receiver = Server::answering(200, &[], "").await;
    let (endpoint, _) = world.endpoint(Some(world.tenant), &receiver.url, &["membership.*", "tenant.suspend"]).await;
    let anna = person(&world.service, "anna").await;
    grant(&world.service, world.tenant, anna, MembershipRole::Owner).await;
    world.rename("New").await;
    world.service.suspend_tenant(&system(), &world.tenant.into()).await.unwrap();
    world.deliver().await;
    assert_eq!(world::types(&receiver), ["membership.grant", "tenant.suspend"]);
    world.service.restore_tenant(&system(), &world.tenant.into()).await.unwrap();
    world.change(&endpoint, json!({"active": false, "types": []})).await;
    world.rename("Newer").await;
    world.deliver().await;
    world.change(&endpoint, json!({"active": true})).await;
    world.deliver().await;
    assert_eq!(world::types(&receiver), ["membership.grant", "tenant.suspend", "event_endpoint.update"]);
}

async fn what_fails_is_retried_over_three_days_and_then_kept_as_a_dead_letter(store: SharedStore) {
    let world = World::on(store).await;
    let receiver = Server::answering(500, &[], "a private word").await;
    let (endpoint, _) = world.endpoint(Some(world.tenant), &receiver.url, &["tenant.update"]).await;
    let begun = world.now();
    world.rename("New").await;
    let mut waits = Vec::new();
    loop {
        world.deliver().await;
        let Some(wait) = world.webhooks.next_due(&world.service).await.unwrap() else { break };
        waits.push(wait);
        world.clock.advance(wait);
    }
    assert_eq!(receiver.arrived().len(), 10);
    let least: Vec<Duration> = dezky::domain::event_delivery::WAITS.map(Duration::from_secs).to_vec();
    assert_eq!(waits.len(), least.len());
    for (wait, least) in waits.iter().zip(least) {
        assert!(*wait >= least && *wait <= least.mul_f64(1.1), "{wait:?} is not about {least:?}");
    }
    let took = world.now().milliseconds() - begun.milliseconds();
    assert!(took > 72 * 3_600_000 && took < 84 * 3_600_000, "{took} ms");
    let delivery = &world.deliveries(&endpoint).await[0];
    assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Failed, 10));
    assert_eq!(delivery.failure.as_deref(), Some("it answered 500"));
    let signed: std::collections::BTreeSet<_> =
        receiver.arrived().iter().map(|request| request.header("webhook-timestamp").unwrap().to_owned()).collect();
    assert_eq!(signed.len(), 10, "each attempt is signed anew");
}

async fn an_outage_keeps_the_order(store: SharedStore) {
    let world = World::on(store).await;
    let receiver = Server::start(|_, number| async move { answer(if number == 0 { 503 } else { 200 }, &[], "") }).await;
    world.endpoint(Some(world.tenant), &receiver.url, &["tenant.*"]).await;
    world.rename("New").await;
    world.service.suspend_tenant(&system(), &world.tenant.into()).await.unwrap();
    world.service.restore_tenant(&system(), &world.tenant.into()).await.unwrap();
    world.deliver().await;
    assert_eq!(world::types(&receiver), ["tenant.update"], "the others wait for the first");
    let wait = world.webhooks.next_due(&world.service).await.unwrap().unwrap();
    assert!(wait >= Duration::from_secs(5) && wait < Duration::from_secs(6), "{wait:?}");
    world.clock.advance(wait);
    world.deliver().await;
    assert_eq!(world::types(&receiver), ["tenant.update", "tenant.update", "tenant.suspend", "tenant.restore"]);
}

async fn what_is_refused_holds_up_no_other(store: SharedStore) {
    let world = World::on(store).await;
    let refuses = |request: server::Arrived, _| async move {
        let refused = String::from_utf8_lossy(&request.body).contains("tenant.suspend");
        answer(if refused { 422 } else { 200 }, &[], "")
    };
    let receiver = Server::start(refuses).await;
    let (endpoint, _) = world.endpoint(Some(world.tenant), &receiver.url, &["tenant.*"]).await;
    world.service.suspend_tenant(&system(), &world.tenant.into()).await.unwrap();
    world.service.restore_tenant(&system(), &world.tenant.into()).await.unwrap();
    world.deliver().await;
    assert_eq!(world::types(&receiver), ["tenant.suspend", "tenant.restore"]);
    let statuses: Vec<_> = world.deliveries(&endpoint).await.iter().map(|delivery| delivery.status).collect();
    assert_eq!(statuses, [DeliveryStatus::Retrying, DeliveryStatus::Delivered]);
}

async fn an_endpoint_that_is_gone_is_made_inactive(store: SharedStore) {
    let world = World::on(store).await;
    let receiver = Server::answering(410, &[], "").await;
    let (endpoint, _) = world.endpoint(Some(world.tenant), &receiver.url, &["tenant.*"]).await;
    world.rename("New").await;
    world.rename("Newer").await;
    world.deliver().await;
    assert_eq!(receiver.arrived().len(), 1);
    let now = world.service.read_event_endpoint(&system(), endpoint.id).await.unwrap();
    assert_eq!((now.active, now.failure.as_deref()), (false, Some("it answered 410: it is gone")));
    assert!(world.deliveries(&endpoint).await.iter().any(|delivery| delivery.status == DeliveryStatus::Failed));
    world.change(&endpoint, json!({"active": true})).await;
    let now = world.service.read_event_endpoint(&system(), endpoint.id).await.unwrap();
    assert_eq!((now.active, now.failure), (true, None));
}

async fn an_endpoint_says_when_to_come_back(store: SharedStore) {
    let world = World::on(store).await;
    let receiver = Server::answering(429, &[("retry-after", "600")], "").await;
    world.endpoint(Some(world.tenant), &receiver.url, &["tenant.*"]).await;
    world.rename("New").await;
    world.deliver().await;
    let wait = world.webhooks.next_due(&world.service).await.unwrap().unwrap();
    assert!(wait >= Duration::from_secs(600) && wait <= Duration::from_secs(660), "{wait:?}");
}

async fn a_slow_endpoint_delays_no_other(store: SharedStore) {
    let world = World::on(store).await;
    let released = Arc::new(Notify::new());
    let waits = Arc::clone(&released);
    let slow = Server::start(move |_, _| {
        let waits = Arc::clone(&waits);
        async move {
            waits.notified().await;
            answer(200, &[], "")
        }
    })
    .await;
    let (told, mut arrivals) = mpsc::unbounded_channel();
    let quick = Server::start(move |_, number| {
        told.send(number).unwrap();
        std::future::ready(answer(200, &[], ""))
    })
    .await;
    let (stuck, _) = world.endpoint(Some(world.tenant), &slow.url, &["tenant.*"]).await;
    world.endpoint(Some(world.tenant), &quick.url, &["tenant.*"]).await;
    world.rename("New").await;
    let driver = Driver::start(&world.service, vec![Task::webhooks(Arc::clone(&world.webhooks))]);
    assert_eq!(arrivals.recv().await, Some(0));
    // It goes on while the other hangs, with what comes meanwhile too.
    for number in 1..10 {
        world.rename(&format!("New {number}")).await;
        assert_eq!(arrivals.recv().await, Some(number));
    }
    assert_eq!(world.deliveries(&stuck).await[0].status, DeliveryStatus::Waiting);
    assert_eq!(slow.arrived().len(), 1);
    driver.stop().await;
    released.notify_one();
}

/// More of them than are read at a time.
async fn retries_of_a_slow_endpoint_delay_no_other(store: SharedStore) {
    let world = World::on(store).await;
    let slow = Server::start(|_, _| std::future::pending()).await;
    let (told, mut arrivals) = mpsc::unbounded_channel();
    let quick = Server::start(move |_, number| {
        told.send(number).unwrap();
        std::future::ready(answer(200, &[], ""))
    })
    .await;
    let (stuck, _) = world.endpoint(Some(world.tenant), &slow.url, &["user.*"]).await;
    let (other, _) = world.endpoint(Some(world.tenant), &quick.url, &["user.*"]).await;
    world.retrying(&stuck, 300).await;
    world.clock.advance(Duration::from_secs(1));
    world.retrying(&other, 1).await;
    world.clock.advance(HOUR);
    let driver = Driver::start(&world.service, vec![Task::webhooks(Arc::clone(&world.webhooks))]);
    assert_eq!(arrivals.recv().await, Some(0));
    driver.stop().await;
}

async fn personal_values_come_where_they_are_asked_for_and_end_with_an_erasure(store: SharedStore) {
    let world = World::on(store).await;
    let (with, without, all) = (
        Server::answering(204, &[], "").await,
        Server::answering(204, &[], "").await,
        Server::answering(204, &[], "").await,
    );
    let types = ["tenant.update", "user.update"];
    let (asking, _) = world.endpoint(Some(world.tenant), &with.url, &types).await;
    world.endpoint(Some(world.tenant), &without.url, &types).await;
    let (platform, _) = world.endpoint(None, &all.url, &types).await;
    for endpoint in [&asking, &platform] {
        world.change(endpoint, json!({"personalValues": true})).await;
    }
    let anna = person(&world.service, "anna").await;
    world.rename("Erste").await;
    let rename = UpdateUser::read(json!({"name": "Anna Alt"})).unwrap();
    world.service.update_user(&system(), anna, rename).await.unwrap();
    world.deliver().await;
    let data =
        |server: &Server| world::bodies(server).into_iter().map(|mut body| body["data"].take()).collect::<Vec<_>>();
    let renamed = json!([{"field": "name", "before": "acme", "after": "Erste"}]);
    assert_eq!(data(&with).iter().map(|data| &data["values"]).collect::<Vec<_>>(), [&renamed]);
    assert_eq!(data(&without)[0].get("values"), None);
    let of_all = world::bodies(&all);
    let of = |kind: &str| of_all.iter().find(|body| body["type"] == kind).unwrap();
    assert_eq!(of("tenant.update")["data"]["values"], renamed);
    assert_eq!(of("user.update")["data"]["values"][0]["after"], "Anna Alt");
    // What is replayed after an erasure has none.
    world.service.delete_user(&system(), anna).await.unwrap();
    catch_up(&world.service).await.unwrap();
    let replay = Replay::read(json!({"status": "delivered"})).unwrap();
    world.service.replay_events(&system(), platform.id, replay).await.unwrap();
    world.deliver().await;
    let again: Vec<_> = data(&all).into_iter().skip(2).filter(|data| data["userId"] == json!(anna)).collect();
    assert!(!again.is_empty() && again.iter().all(|data| data["values"] == json!([])), "{again:?}");
}

async fn another_address_gets_no_personal_values(store: SharedStore) {
    let world = World::on(store).await;
    let receiver = Server::answering(204, &[], "").await;
    let (endpoint, _) = world.endpoint(Some(world.tenant), &receiver.url, &["tenant.update"]).await;
    let read = async || world.service.read_event_endpoint(&system(), endpoint.id).await.unwrap().personal_values;
    world.change(&endpoint, json!({"personalValues": true})).await;
    world.change(&endpoint, json!({"description": "Wiki", "url": receiver.url.as_str()})).await;
    assert!(read().await, "the same address is not another");
    world.change(&endpoint, json!({"url": "https://elsewhere.example.eu/"})).await;
    assert!(!read().await);
    world.change(&endpoint, json!({"url": receiver.url.as_str(), "personalValues": true})).await;
    assert!(read().await);
}

async fn after_a_rotation_both_secrets_sign_for_a_day(store: SharedStore) {
    let world = World::on(store).await;
    let receiver = Server::answering(200, &[], "").await;
    let (endpoint, first) = world.endpoint(Some(world.tenant), &receiver.url, &["tenant.*"]).await;
    let rotated = world.service.rotate_event_endpoint(&system(), endpoint.id).await.unwrap().value;
    let second = rotated.secret.unwrap().0;
    assert_ne!(first, second);
    world.rename("New").await;
    world.deliver().await;
    world.clock.advance(24 * HOUR);
    world.rename("Newer").await;
    world.deliver().await;
    let arrived = receiver.arrived();
    verify(&first, &arrived[0]);
    verify(&second, &arrived[0]);
    verify(&second, &arrived[1]);
    assert!(!world::verifies(&first, &arrived[1]), "the former secret has ended");
}

async fn what_was_delivered_is_replayed_by_id_and_by_time(store: SharedStore) {
    let world = World::on(store).await;
    let receiver = Server::start(|_, number| async move { answer(if number < 3 { 400 } else { 200 }, &[], "") }).await;
    let (endpoint, _) = world.endpoint(Some(world.tenant), &receiver.url, &["tenant.*"]).await;
    for name in ["One", "Two", "Three"] {
        world.clock.advance(Duration::from_millis(1));
        world.rename(name).await;
        world.deliver().await;
    }
    let deliveries = world.deliveries(&endpoint).await;
    let replay = async |replay| world.service.replay_events(&system(), endpoint.id, replay).await.unwrap().value;
    assert_eq!(replay(Replay::Event(deliveries[1].event_id)).await.replayed, 1);
    world.deliver().await;
    let ids = |from: usize| {
        receiver.arrived()[from..].iter().map(|one| one.header("webhook-id").unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(3), [deliveries[1].event_id.to_string()]);
    let since = |status| Replay::Status { status, since: Some(deliveries[1].occurred_at) };
    assert_eq!(replay(since(DeliveryStatus::Retrying)).await.replayed, 1);
    world.deliver().await;
    assert_eq!(ids(4), [deliveries[2].event_id.to_string()]);
    let again = replay(since(DeliveryStatus::Delivered)).await;
    assert_eq!((again.replayed, again.next_since), (2, None));
    world.deliver().await;
    assert_eq!(ids(5), [deliveries[1].event_id.to_string(), deliveries[2].event_id.to_string()]);
}

async fn a_removed_endpoint_and_a_deleted_tenant_get_nothing(store: SharedStore) {
    let world = World::on(store).await;
    let receiver = Server::answering(200, &[], "").await;
    let (removed, _) = world.endpoint(Some(world.tenant), &receiver.url, &["tenant.*"]).await;
    let (left, _) = world.endpoint(Some(world.tenant), &receiver.url, &["tenant.*"]).await;
    world.rename("New").await;
    // Their deliveries are made, and not sent yet.
    let nowhere = Webhooks::new(OutboundOptions::default());
    nowhere.run_due(&world.service).await.unwrap();
    world.service.delete_event_endpoint(&system(), removed.id).await.unwrap();
    world.service.delete_tenant(&system(), &world.tenant.into()).await.unwrap();
    world.clock.advance(HOUR);
    world.deliver().await;
    assert_eq!(receiver.arrived().len(), 0);
    let left: Vec<_> = world.stored().await.into_iter().filter(|delivery| delivery.endpoint_id == left.id).collect();
    assert!(!left.is_empty());
    assert!(left.iter().all(|delivery| delivery.failure.as_deref() == Some("the tenant is deleted")), "{left:?}");
    assert!(world.stored().await.iter().all(|delivery| delivery.endpoint_id != removed.id));
}

async fn two_processes_lose_nothing(store: SharedStore) {
    let world = World::on(store).await;
    let receiver = Server::answering(200, &[], "").await;
    let (endpoint, _) = world.endpoint(Some(world.tenant), &receiver.url, &["tenant.*"]).await;
    for number in 0..20 {
        world.rename(&format!("New {number}")).await;
    }
    let other = world.another();
    let (one, two) =
        futures_util::join!(world.webhooks.run_due(&world.service), other.webhooks.run_due(&other.service));
    one.unwrap();
    two.unwrap();
    world.deliver().await;
    let deliveries = world.deliveries(&endpoint).await;
    assert_eq!(deliveries.len(), 20, "each event has one delivery");
    assert!(deliveries.iter().all(|delivery| delivery.status == DeliveryStatus::Delivered), "{deliveries:?}");
    let mut ids: Vec<_> =
        receiver.arrived().iter().map(|request| request.header("webhook-id").unwrap().to_owned()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 20);
}

async fn the_driver_delivers_by_itself(store: SharedStore) {
    let world = World::on(store).await;
    let (told, mut arrivals) = mpsc::unbounded_channel();
    let receiver = Server::start(move |_, number| {
        told.send(number).unwrap();
        std::future::ready(answer(200, &[], ""))
    })
    .await;
    world.endpoint(Some(world.tenant), &receiver.url, &["tenant.*"]).await;
    let driver = Driver::start(&world.service, vec![Task::webhooks(Arc::clone(&world.webhooks))]);
    for number in 0..3 {
        world.rename(&format!("New {number}")).await;
        assert_eq!(arrivals.recv().await, Some(number));
    }
    driver.stop().await;
}

async fn only_allowed_addresses_are_reached(store: SharedStore) {
    let world = World::on(store).await;
    let receiver = Server::answering(200, &[], "").await;
    let port = receiver.url.port().unwrap();
    let mut endpoints = Vec::new();
    // A name and numbers of this machine, a private network, and the metadata service of clouds.
    for url in [
        format!("http://localhost:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        "https://10.0.0.1/".to_owned(),
        "https://169.254.169.254/".to_owned(),
    ] {
        let (endpoint, _) = world.endpoint(Some(world.tenant), &url.parse().unwrap(), &["tenant.*"]).await;
        endpoints.push((url, endpoint));
    }
    world.rename("New").await;
    Webhooks::new(OutboundOptions::default()).run_due(&world.service).await.unwrap();
    assert_eq!(receiver.arrived().len(), 0);
    for (url, endpoint) in endpoints {
        let delivery = &world.deliveries(&endpoint).await[0];
        assert_eq!((delivery.attempts, delivery.response_status), (1, None), "{url}");
        assert!(
            delivery.failure.as_deref().is_some_and(|why| why.contains("not on the public internet")),
            "{url}: {delivery:?}"
        );
    }
}

/// Whatever other consumers have passed, and however short events are kept.
async fn events_wait_in_the_log_for_their_deliveries(store: SharedStore) {
    let world = World::on(store).await.forgetful();
    let receiver = Server::answering(200, &[], "").await;
    world.endpoint(Some(world.tenant), &receiver.url, &["tenant.*"]).await;
    world.rename("New").await;
    catch_up(&world.service).await.unwrap();
    world.deliver().await;
    assert_eq!(world::types(&receiver), ["tenant.update"]);
}

async fn deliveries_are_removed_after_two_weeks(store: SharedStore) {
    let world = World::on(store).await;
    let receiver = Server::answering(200, &[], "").await;
    let (endpoint, _) = world.endpoint(Some(world.tenant), &receiver.url, &["tenant.*"]).await;
    world.rename("New").await;
    world.deliver().await;
    forget_expired(&world.service).await.unwrap();
    assert_eq!(world.deliveries(&endpoint).await.len(), 1);
    world.clock.advance(14 * 24 * HOUR + HOUR);
    forget_expired(&world.service).await.unwrap();
    assert_eq!(world.deliveries(&endpoint).await.len(), 0);
}
