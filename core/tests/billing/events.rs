//! Events of Stripe: refused, repeated, lost, and waiting.

use std::sync::Arc;

use dezky::{
    clock::Clock as _,
    domain::{
        ProviderEvent, Subscription, SubscriptionStatus,
        billing::{PROVIDER_EVENTS, PROVIDER_EVENTS_BY_DUE},
    },
    emulators::{Fault, Faults},
    service::{Service, ServiceSettings, billing::Signed},
    store::{Query, Repository as _, SharedStore},
    work::billing,
};
use serde_json::Value;

use crate::{
    support::{on_every_store, system},
    world::{DAY, World, code, serving},
};

on_every_store! {
    a_forged_or_stale_event_is_refused_and_stores_nothing,
    an_event_counts_once_and_is_forgotten_in_time,
    a_provider_that_is_down_holds_events_up_and_loses_none,
    events_that_never_came_are_found,
    an_unknown_status_changes_nothing,
    two_workers_store_each_once,
    subscriptions_of_other_products_are_left_alone,
    a_second_subscription_waits_for_the_first_to_end,
}

async fn stored(world: &World) -> Vec<ProviderEvent> {
    let query = Query::new(&PROVIDER_EVENTS).sort(&PROVIDER_EVENTS_BY_DUE).limit(200);
    world.store.load_all(&system().context, &query).await.unwrap()
}

async fn a_forged_or_stale_event_is_refused_and_stores_nothing(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    world.subscribe(acme, "firm", 3).await;
    let event = world.stripe.system().take_events().remove(0);
    let good = world.stripe.system().signature(&event.body, world.clock.now());
    let changed = event.body.replacen("sub_", "sub_9", 1);
    for (signature, body, refusal) in [
        (None, event.body.as_str(), "webhook_signature_missing"),
        (Some(good.as_str()), changed.as_str(), "webhook_signature_refused"),
        (Some("t=1,v1=00"), event.body.as_str(), "webhook_signature_refused"),
    ] {
        assert_eq!(code(world.receive(signature, body).await), refusal);
    }
    let thin = r#"{"id": "evt_9", "object": "v2.core.event", "type": "v1.billing.meter.error_report_triggered"}"#;
    let signature = world.stripe.system().signature(thin, world.clock.now());
    assert_eq!(code(world.receive(Some(&signature), thin).await), "webhook_unreadable");
    world.clock.advance(std::time::Duration::from_secs(301));
    assert_eq!(code(world.receive(Some(&good), &event.body).await), "webhook_stale");
    assert!(stored(&world).await.is_empty());
    // The product works without a payment provider.
    let without = Service::new(Arc::clone(&world.store), Arc::clone(&world.clock) as _, ServiceSettings::default());
    let signed = Signed { signature: Some(&good), body: event.body.as_bytes() };
    let refused = without.receive_provider_event(&system().context, signed).await;
    assert_eq!(code(refused), "billing_not_configured");
    assert_eq!(code(without.open_billing_portal(&system(), &acme.into()).await), "billing_not_configured");
    assert_eq!((billing::next_due(&without).await.unwrap(), billing::reconcile(&without).await.unwrap()), (None, 0));
}

async fn an_event_counts_once_and_is_forgotten_in_time(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    world.subscribe(acme, "firm", 3).await;
    let events = world.stripe.system().take_events();
    for event in events.iter().chain(&events) {
        world.deliver(event).await.unwrap();
    }
    assert_eq!(stored(&world).await.len(), events.len());
    assert_eq!(billing::next_due(&world.service).await.unwrap(), Some(std::time::Duration::ZERO));
    world.stripe.take_log().clear();
    world.work().await;
    let asked = world.stripe.take_log().len();
    assert_eq!(asked, 1, "all events of a subscription are settled by one look at it");
    assert!(stored(&world).await.iter().all(|event| event.settled));
    // A repetition after that is not dealt with again.
    world.deliver(&events[0]).await.unwrap();
    world.work().await;
    assert!(world.stripe.take_log().is_empty());
    assert!(billing::next_due(&world.service).await.unwrap() > Some(29 * DAY));
    world.clock.advance(31 * DAY);
    world.work().await;
    assert!(stored(&world).await.is_empty());
}

async fn a_provider_that_is_down_holds_events_up_and_loses_none(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    world.subscribe(acme, "firm", 3).await;
    world.stripe.set_faults(Faults { every: Some(Fault::ErrorBefore), ..Faults::default() });
    for _ in 0..20 {
        world.settle().await;
        let waits = billing::next_due(&world.service).await.unwrap().unwrap();
        assert!(!waits.is_zero() && waits <= std::time::Duration::from_secs(3_600), "{waits:?}");
        world.clock.advance(waits);
    }
    assert!(stored(&world).await.iter().all(|event| !event.settled && event.attempts == 20));
    assert!(world.subscriptions(acme).await.is_empty());
    world.stripe.set_faults(Faults::default());
    world.work().await;
    assert_eq!(world.subscriptions(acme).await.len(), 1);
    assert!(stored(&world).await.iter().all(|event| event.settled));
}

async fn events_that_never_came_are_found(store: SharedStore) {
    let world = World::on(store).await;
    let (acme, beta, gamma) = (world.tenant("acme").await, world.tenant("beta").await, world.tenant("gamma").await);
    let (of_acme, of_beta) = (world.subscribe(acme, "firm", 3).await, world.subscribe(beta, "firm", 3).await);
    world.settle().await;
    world.subscribe(gamma, "team", 7).await;
    world.stripe.system().set_status(&of_acme, "past_due", world.clock.now());
    world.stripe.system().set_status(&of_beta, "canceled", world.clock.now());
    drop(world.stripe.system().take_events());
    assert_eq!(billing::reconcile(&world.service).await.unwrap(), 3);
    assert_eq!(world.subscriptions(acme).await.remove(0).status, SubscriptionStatus::PastDue);
    assert_eq!(world.subscriptions(beta).await.remove(0).status, SubscriptionStatus::Cancelled);
    assert_eq!(world.subscriptions(gamma).await.remove(0).seats, 7);
    assert_eq!(billing::reconcile(&world.service).await.unwrap(), 0);
    // More than a page of them.
    for number in 0..120 {
        let tenant = world.tenant(&format!("many-{number}")).await;
        world.subscribe(tenant, "team", 1).await;
    }
    assert_eq!(billing::reconcile(&world.service).await.unwrap(), 120);
}

async fn an_unknown_status_changes_nothing(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    let id = world.subscribe(acme, "firm", 3).await;
    world.settle().await;
    let before = world.shown(acme).await;
    world.stripe.system().set_status(&id, "dormant", world.clock.now());
    world.settle().await;
    assert_eq!(world.shown(acme).await, before);
    assert!(stored(&world).await.iter().all(|event| event.settled));
}

async fn two_workers_store_each_once(store: SharedStore) {
    let world = World::on(store).await;
    let other = serving(&world.store, &world.clock, &world.stripe);
    let mut tenants = Vec::new();
    for number in 0..8 {
        let tenant = world.tenant(&format!("tenant-{number}")).await;
        world.subscribe(tenant, "firm", number + 1).await;
        tenants.push(tenant);
    }
    for event in world.stripe.system().take_events() {
        world.deliver(&event).await.unwrap();
    }
    let (first, second) = tokio::join!(billing::run_due(&world.service), billing::run_due(&other));
    first.unwrap();
    second.unwrap();
    // Whoever was overtaken has put its events off.
    world.clock.advance(DAY);
    world.work().await;
    for (number, tenant) in (1..).zip(tenants) {
        let ours = world.subscriptions(tenant).await;
        assert_eq!(ours.iter().map(|one| one.seats).collect::<Vec<_>>(), [number]);
    }
    assert!(stored(&world).await.iter().all(|event| event.settled));
}

async fn subscriptions_of_other_products_are_left_alone(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    world.subscribe(acme, "firm", 3).await;
    world.service.delete_tenant(&system(), &acme.into()).await.unwrap();
    // As if the tenant had never been one of this platform: another id is in the metadata of another product.
    let mut events = world.stripe.system().take_events();
    for event in &mut events {
        let mut body: Value = serde_json::from_str(&event.body).unwrap();
        body["data"]["object"] = serde_json::json!({"object": "invoice", "subscription": "sub_of_another_product"});
        event.body = body.to_string();
        world.deliver(event).await.unwrap();
    }
    world.work().await;
    assert!(stored(&world).await.iter().all(|event| event.settled && event.failure.is_some()));
}

async fn a_second_subscription_waits_for_the_first_to_end(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    // Two pages are open before anything is known here, and both are paid.
    let (one, other) = (world.checkout(acme, "firm", 3).await.unwrap(), world.checkout(acme, "team", 4).await.unwrap());
    let pay = |url: &str| world.stripe.system().complete(url.rsplit('/').next().unwrap(), world.clock.now()).unwrap();
    let (first, second) = (pay(&one), pay(&other));
    world.settle().await;
    let [ours]: [Subscription; 1] = world.subscriptions(acme).await.try_into().unwrap();
    assert_eq!(ours.stripe_subscription_id, Some(first.clone()));
    let told = stored(&world).await;
    assert!(told.iter().all(|event| event.settled));
    assert!(told.iter().any(|event| event.failure.as_deref().is_some_and(|why| why.contains("another subscription"))));
    world.stripe.system().set_status(&first, "canceled", world.clock.now());
    world.settle().await;
    assert_eq!(billing::reconcile(&world.service).await.unwrap(), 1);
    let states: Vec<_> =
        world.subscriptions(acme).await.into_iter().map(|one| (one.stripe_subscription_id, one.status)).collect();
    let expected = [(first, SubscriptionStatus::Cancelled), (second, SubscriptionStatus::Active)];
    assert_eq!(states, expected.map(|(id, status)| (Some(id), status.into())));
}
