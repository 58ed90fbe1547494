//! Several workers, paused ones, and systems that are down.

use std::{sync::Arc, time::Duration};

use dezky::{
    domain::workspace::{Phase, SystemKind},
    emulators::{Fault, Faults},
    workspace::Drift,
};

use crate::{
    support::{self, system},
    world::World,
};

#[tokio::test(flavor = "multi_thread")]
async fn workers_at_the_same_time_make_one_of_each() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    let mut tenants = Vec::new();
    for number in 0..12 {
        tenants.push(world.tenant(&format!("acme-{number}")).await);
    }
    let other = world.another_worker(Drift::Repair);
    for _ in 0..60 {
        dezky::work::catch_up(&world.service).await.unwrap();
        let (one, two) = futures_util::join!(world.worker.run_due(&world.service), other.run_due(&world.service));
        one.unwrap();
        two.unwrap();
        world.clock.advance(Duration::from_secs(1));
    }
    for tenant in &tenants {
        world.assert_ready(*tenant).await;
        assert_eq!(world.spaces(*tenant).len(), 1);
    }
    let names: Vec<String> =
        world.groups().into_iter().map(|(name, _)| name).filter(|name| name.starts_with("acme-")).collect();
    assert_eq!(names.len(), 12, "{names:?}");
    assert_eq!(world.domains().len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_paused_stores_nothing_any_more() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    let acme = world.tenant("acme").await;
    dezky::work::catch_up(&world.service).await.unwrap();
    // The first worker hangs in a request while its claim ends, and another one takes over.
    world.ocis.set_faults(Faults { latency: Duration::from_millis(1_500), ..Faults::default() });
    world.authentik.set_faults(Faults { latency: Duration::from_millis(1_500), ..Faults::default() });
    world.stalwart.set_faults(Faults { latency: Duration::from_millis(1_500), ..Faults::default() });
    let (service, worker) = (Arc::clone(&world.service), Arc::clone(&world.worker));
    let paused = tokio::spawn(async move { worker.run_due(&service).await });
    while world.authentik.requests() == 0 {
        tokio::task::yield_now().await;
    }
    world.clock.advance(Duration::from_secs(120));
    world.set_faults(Faults::default());
    let other = world.another_worker(Drift::Repair);
    other.run_due(&world.service).await.unwrap();
    let before = world.state(acme, SystemKind::Identity).await;
    assert_eq!(before.phase, Phase::Ready, "{before:#?}");
    paused.await.unwrap().unwrap();
    let after = world.state(acme, SystemKind::Identity).await;
    assert_eq!(after.external_ids, before.external_ids, "the one that came back changes nothing");
    world.settle().await;
    world.assert_ready(acme).await;
    assert_eq!(world.groups().iter().filter(|(name, _)| name == "acme").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_is_down_holds_up_no_other_and_is_asked_by_its_schedule() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    world.stalwart.set_faults(Faults { every: Some(Fault::ResetBefore), ..Faults::default() });
    let mut tenants = Vec::new();
    for number in 0..10 {
        tenants.push(world.tenant(&format!("acme-{number}")).await);
    }
    // An hour, step by step.
    for _ in 0..720 {
        world.work().await;
        world.clock.advance(Duration::from_secs(5));
    }
    for tenant in &tenants {
        assert_eq!(world.state(*tenant, SystemKind::Identity).await.phase, Phase::Ready);
        assert_eq!(world.state(*tenant, SystemKind::Files).await.phase, Phase::Ready);
        let mail = world.state(*tenant, SystemKind::Mail).await;
        assert_eq!(mail.phase, Phase::Waiting, "{mail:#?}");
        assert!(mail.last_error.is_some() || mail.attempts == 0, "{mail:#?}");
    }
    // One probe a minute, and a few at the beginning, instead of ten tenants each at their own pace.
    let requests = world.stalwart.requests();
    assert!((10..200).contains(&requests), "{requests} requests to a system that is down for an hour");
    world.set_faults(Faults::default());
    world.settle().await;
    for tenant in &tenants {
        world.assert_ready(*tenant).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_system_that_fails_never_holds_up_a_revocation() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    let acme = world.tenant("acme").await;
    let (anna, _, _) = world.member(acme, "anna").await;
    world.settle().await;
    world.authentik.set_faults(Faults { every: Some(Fault::ErrorBefore), ..Faults::default() });
    world.service.revoke_membership(&system(), &acme.into(), anna).await.unwrap();
    assert!(!world.membership(acme, anna).await.unwrap().active);
    world.work().await;
    world.authentik.set_faults(Faults::default());
    world.settle().await;
    assert_eq!(world.members("acme"), [].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_credential_is_told_and_recovers_by_itself() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    world.ocis.set_faults(Faults { every: Some(Fault::Expired), ..Faults::default() });
    let acme = world.tenant("acme").await;
    for _ in 0..20 {
        world.work().await;
        world.clock.advance(Duration::from_secs(5));
    }
    let files = world.state(acme, SystemKind::Files).await;
    assert_eq!(files.phase, Phase::Failed, "{files:#?}");
    let told = files.conditions.iter().find(|one| one.kind == "Reachable").unwrap();
    assert_eq!(told.reason, "Unauthorized");
    let shown = format!("{files:?}");
    assert!(!shown.contains(crate::world::SECRET), "{shown}");
    world.ocis.set_faults(Faults::default());
    world.settle().await;
    world.assert_ready(acme).await;
}
