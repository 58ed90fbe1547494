//! What others got wrong.

use std::time::Duration;

use dezky::{
    domain::{
        CreateSubscription, SubscriptionStatus, UpdateTenant,
        workspace::{Phase, SystemKind},
    },
    emulators::{Fault, Faults},
};
use serde_json::json;

use crate::{
    support::{self, system},
    world::{DAY, World},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_look_never_blanks_a_stored_id() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    let acme = world.tenant("acme").await;
    world.settle().await;
    let ids = |state: &dezky::domain::SystemState| state.external_ids.clone();
    let mut before = Vec::new();
    for kind in [SystemKind::Identity, SystemKind::Mail, SystemKind::Files] {
        before.push(ids(&world.state(acme, kind).await));
    }
    for fault in [Fault::ErrorBefore, Fault::ResetBefore, Fault::RateLimit, Fault::Expired, Fault::Cut] {
        world.set_faults(Faults { every: Some(fault), ..Faults::default() });
        world.service.check_workspace(&system(), &acme.into()).await.unwrap();
        world.work().await;
        world.work().await;
    }
    for (kind, before) in [SystemKind::Identity, SystemKind::Mail, SystemKind::Files].into_iter().zip(before) {
        assert_eq!(ids(&world.state(acme, kind).await), before, "{kind:?}");
    }
    world.set_faults(Faults::default());
    world.settle().await;
    world.assert_ready(acme).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_makes_no_second_object() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    let acme = world.tenant("acme").await;
    dezky::work::catch_up(&world.service).await.unwrap();
    // Every change happens, and no answer arrives.
    for fault in [Fault::ResetAfter, Fault::ErrorAfter, Fault::Cut] {
        world.set_faults(Faults { every: Some(fault), ..Faults::default() });
        for _ in 0..3 {
            world.work().await;
            world.clock.advance(Duration::from_secs(20));
        }
    }
    world.set_faults(Faults::default());
    world.settle().await;
    world.assert_ready(acme).await;
    assert_eq!(world.groups().iter().filter(|(name, _)| name == "acme").count(), 1);
    assert_eq!(world.spaces(acme).len(), 1);
    assert_eq!(world.domains().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_without_a_domain_is_set_up_and_shown_like_any_other() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    let body = json!({"slug": "plain", "name": "Plain"});
    let input = dezky::domain::CreateTenant::read(body).unwrap();
    let plain = world.service.create_tenant(&system(), input).await.unwrap().value.id;
    // Asked before anything was done: a state, and no error.
    let early = world.service.read_workspace(&system(), &plain.into()).await.unwrap();
    assert!(!early.ready && early.systems.is_empty(), "{early:?}");
    world.settle().await;
    world.assert_ready(plain).await;
    let view = world.service.read_workspace(&system(), &plain.into()).await.unwrap();
    assert!(view.ready && view.domains.is_empty(), "{view:?}");
    let mail = world.state(plain, SystemKind::Mail).await;
    assert!(mail.conditions.iter().any(|one| one.reason == "NoVerifiedDomain"), "{mail:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_that_is_down_leaves_the_subscription_alone() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    world.stalwart.set_faults(Faults { every: Some(Fault::ErrorBefore), ..Faults::default() });
    let acme = world.tenant("acme").await;
    let input = json!({"tenantId": acme, "plan": "starter", "status": "trialing"});
    let subscription =
        world.service.create_subscription(&system(), CreateSubscription::read(input).unwrap()).await.unwrap().value;
    world.work().await;
    world.work().await;
    let stored = world.service.read_subscription(&system(), subscription.id).await.unwrap();
    assert_eq!(stored.status, SubscriptionStatus::Trialing);
    assert_eq!(world.state(acme, SystemKind::Identity).await.phase, Phase::Ready);
    world.stalwart.set_faults(Faults::default());
    world.settle().await;
    world.assert_ready(acme).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_an_update_renames_is_told_and_not_taken_for_success() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    let acme = world.tenant("acme").await;
    world.settle().await;
    world.authentik.system().rename_field("name", "title");
    world.clock.advance(DAY * 2);
    world.work().await;
    let identity = world.state(acme, SystemKind::Identity).await;
    assert_eq!(identity.phase, Phase::Degraded, "{identity:#?}");
    let told = identity.conditions.iter().find(|one| one.kind == "Reachable").unwrap();
    assert_eq!(told.reason, "Incompatible", "{told:?}");
    assert!(told.message.contains("name"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_visible_late_is_not_made_twice() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    world.set_faults(Faults { listing_delay: Duration::from_secs(2), share: 0.3, seed: 7, ..Faults::default() });
    let mut tenants = Vec::new();
    for number in 0..5 {
        tenants.push(world.tenant(&format!("late-{number}")).await);
    }
    for _ in 0..200 {
        world.work().await;
        world.clock.advance(Duration::from_secs(3));
    }
    world.set_faults(Faults::default());
    world.settle().await;
    for tenant in tenants {
        world.assert_ready(tenant).await;
        assert_eq!(world.spaces(tenant).len(), 1, "{:?}", world.spaces(tenant));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_with_other_quotas_reaches_spaces_and_mailboxes() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    let acme = world.tenant("acme").await;
    let (_, _, mailbox) = world.member(acme, "anna").await;
    world.settle().await;
    let before = world.stalwart.system().accounts()[0].quota;
    let input = dezky::domain::UpdateMailbox::read(json!({"quotaMebibytes": 77})).unwrap();
    world.service.update_mailbox(&system(), &acme.into(), mailbox.id, input).await.unwrap();
    let plan = UpdateTenant::read(json!({"plan": "business"})).unwrap();
    world.service.update_tenant(&system(), &acme.into(), plan).await.unwrap();
    world.settle().await;
    assert_ne!(world.stalwart.system().accounts()[0].quota, before);
    assert_eq!(world.stalwart.system().accounts()[0].quota, Some(77 << 20));
    world.assert_ready(acme).await;
}
