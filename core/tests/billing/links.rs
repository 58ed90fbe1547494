//! Links for owners, and what follows from them.

use dezky::{
    clock::Clock as _,
    domain::{CreateSubscription, Subscription, SubscriptionStatus, TenantStatus, UpdateSubscription},
    emulators::{Fault, Faults},
    store::SharedStore,
    work::{billing, catch_up},
};

use crate::{
    support::{on_every_store, system},
    world::{DAY, World, code, serving},
};

on_every_store! {
    a_checkout_becomes_a_subscription_and_a_cancelled_plan,
    a_trial_that_runs_is_not_charged_before_its_end,
    a_customer_is_created_once,
    what_is_billed_already_is_changed_in_the_portal,
    an_operator_has_a_subscription_billed_by_mail,
    what_ends_here_ends_there,
    an_undone_deletion_is_billed_anew,
}

async fn a_checkout_becomes_a_subscription_and_a_cancelled_plan(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    let url = world.checkout(acme, "firm", 60).await.unwrap();
    assert!(url.starts_with(&world.stripe.url()), "{url}");
    assert!(world.subscriptions(acme).await.is_empty(), "nothing is stored before it is announced");
    let id = world.stripe.system().complete(url.rsplit('/').next().unwrap(), world.clock.now()).unwrap();
    world.settle().await;
    let [ours]: [Subscription; 1] = world.subscriptions(acme).await.try_into().unwrap();
    assert_eq!((ours.status.counts_as(), ours.plan.as_str(), ours.seats), (SubscriptionStatus::Active, "firm", 60));
    assert_eq!(ours.stripe_subscription_id.as_deref(), Some(id.as_str()));
    assert!(ours.terms.is_some() && ours.current_period_ends_at > Some(world.clock.now()));
    let portal = world.service.open_billing_portal(&system(), &acme.into()).await.unwrap().value.url;
    assert!(portal.contains("/portal/"), "{portal}");
    // Cancelled at the end of the period: it is still in force, and the date shows.
    world.stripe.system().set_ending(&id, true, world.clock.now());
    world.settle().await;
    let ours = world.subscriptions(acme).await.remove(0);
    assert_eq!((ours.status.counts_as(), ours.ends_at), (SubscriptionStatus::Active, ours.current_period_ends_at));
    world.clock.advance(31 * DAY);
    world.stripe.system().set_status(&id, "canceled", world.clock.now());
    world.settle().await;
    let ours = world.subscriptions(acme).await.remove(0);
    assert_eq!(ours.status.counts_as(), SubscriptionStatus::Cancelled);
    assert_eq!(world.read(acme).await.status, TenantStatus::Suspended, "a tenant follows its subscription");
    // Whoever comes back subscribes again, as the same customer.
    let again = world.subscribe(acme, "team", 5).await;
    world.settle().await;
    assert_eq!(world.read(acme).await.status, TenantStatus::Active);
    let [_, new]: [Subscription; 2] = world.subscriptions(acme).await.try_into().unwrap();
    assert_eq!(new.stripe_subscription_id, Some(again));
    assert_eq!((world.stripe.system().customers(), new.stripe_customer_id), (1, ours.stripe_customer_id));
}

async fn a_trial_that_runs_is_not_charged_before_its_end(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    let begun = CreateSubscription::build(acme).finish().unwrap();
    let trial = world.service.create_subscription(&system(), begun).await.unwrap().value;
    assert_eq!(trial.status, SubscriptionStatus::Trialing);
    world.subscribe(acme, "team", 5).await;
    world.settle().await;
    let [ours]: [Subscription; 1] = world.subscriptions(acme).await.try_into().unwrap();
    assert_eq!((ours.id, ours.status.counts_as()), (trial.id, SubscriptionStatus::Trialing));
    assert_eq!(ours.trial_ends_at, trial.trial_ends_at, "the trial goes on as long as it would have");
}

async fn a_customer_is_created_once(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    // The answer is lost after the effect, again and again.
    world.stripe.set_faults(Faults { every: Some(Fault::ErrorAfter), ..Faults::default() });
    assert_eq!(code(world.checkout(acme, "firm", 1).await), "upstream_unavailable");
    world.stripe.set_faults(Faults::default());
    let (first, second) = tokio::join!(world.checkout(acme, "firm", 1), world.checkout(acme, "firm", 2));
    assert_ne!(first.unwrap(), second.unwrap());
    assert_eq!(world.stripe.system().customers(), 1);
    assert!(world.read(acme).await.stripe_customer_id.is_some());
}

async fn what_is_billed_already_is_changed_in_the_portal(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    assert_eq!(code(world.service.open_billing_portal(&system(), &acme.into()).await), "not_billed");
    assert_eq!(code(world.checkout(acme, "nothing", 1).await), "invalid_fields");
    let id = world.subscribe(acme, "firm", 3).await;
    world.settle().await;
    assert_eq!(code(world.checkout(acme, "team", 1).await), "already_billed");
    world.stripe.system().set_item(&id, "price_team", 9, world.clock.now());
    world.settle().await;
    let ours = world.subscriptions(acme).await.remove(0);
    assert_eq!((ours.plan.as_str(), ours.seats), ("team", 9));
    assert_eq!(code(world.service.delete_subscription(&system(), ours.id).await), "subscription_billed");
}

async fn an_operator_has_a_subscription_billed_by_mail(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    let begun = CreateSubscription::build(acme).plan("firm").seats(12_u32).finish().unwrap();
    let ours = world.service.create_subscription(&system(), begun).await.unwrap().value;
    world.stripe.set_faults(Faults { every: Some(Fault::ErrorAfter), ..Faults::default() });
    assert_eq!(code(world.service.bill_subscription(&system(), ours.id, None).await), "upstream_unavailable");
    world.stripe.set_faults(Faults::default());
    let billed = world.service.bill_subscription(&system(), ours.id, None).await.unwrap();
    assert!(billed.stripe_subscription_id.is_some());
    assert_eq!(world.stripe.system().subscriptions().len(), 1, "a repetition finds what was made");
    assert_eq!(code(world.service.bill_subscription(&system(), ours.id, None).await), "already_billed");
    world.settle().await;
    assert_eq!(world.subscriptions(acme).await.len(), 1);
    // It stays the same customer once that subscription has ended.
    let there = billed.stripe_subscription_id.unwrap();
    world.stripe.system().set_status(&there, "canceled", world.clock.now());
    world.settle().await;
    world.checkout(acme, "team", 5).await.unwrap();
    assert_eq!(world.stripe.system().customers(), 1);
}

async fn what_ends_here_ends_there(store: SharedStore) {
    let world = World::on(store).await;
    let (acme, beta) = (world.tenant("acme").await, world.tenant("beta").await);
    let (of_acme, of_beta) = (world.subscribe(acme, "firm", 3).await, world.subscribe(beta, "firm", 3).await);
    world.settle().await;
    world.service.delete_tenant(&system(), &acme.into()).await.unwrap();
    let ours = world.subscriptions(beta).await.remove(0);
    let cancel = UpdateSubscription::build().status(SubscriptionStatus::Cancelled).finish().unwrap();
    world.service.update_subscription(&system(), ours.id, cancel).await.unwrap();
    catch_up(&world.service).await.unwrap();
    world.work().await;
    let there = world.stripe.system().subscriptions();
    assert_eq!((there[&of_acme].0.as_str(), there[&of_beta].0.as_str()), ("canceled", "canceled"));
    world.settle().await;
    assert_eq!(world.subscriptions(acme).await.remove(0).status, SubscriptionStatus::Cancelled);
    assert_eq!(billing::reconcile(&world.service).await.unwrap(), 0);
}

async fn an_undone_deletion_is_billed_anew(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    let first = world.subscribe(acme, "firm", 3).await;
    world.settle().await;
    world.clock.advance(DAY);
    world.service.delete_tenant(&system(), &acme.into()).await.unwrap();
    catch_up(&world.service).await.unwrap();
    world.work().await;
    assert_eq!(world.stripe.system().subscriptions()[&first].0, "canceled");
    world.clock.advance(DAY);
    world.service.restore_tenant(&system(), &acme.into()).await.unwrap();
    // What Stripe announces of the old one comes late, and changes nothing.
    world.settle().await;
    let ours = world.subscriptions(acme).await.remove(0);
    assert_eq!((ours.status.counts_as(), &ours.stripe_subscription_id), (SubscriptionStatus::Active, &None));
    // Another process, as after a restart.
    let other = serving(&world.store, &world.clock, &world.stripe);
    assert_eq!(billing::reconcile(&other).await.unwrap(), 0);
    let second = world.subscribe(acme, "firm", 3).await;
    world.settle().await;
    let ours = world.subscriptions(acme).await.remove(0);
    assert_eq!((ours.status.counts_as(), ours.stripe_subscription_id), (SubscriptionStatus::Active, Some(second)));
}
