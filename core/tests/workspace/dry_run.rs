//! Dry runs: what controllers would change is told, and nothing is changed.

use dezky::{
    domain::{TenantId, workspace::SystemKind},
    emulators::{Faults, authentik::Kind},
    workspace::PlannedRun,
};

use crate::{
    support,
    world::{DAY, World},
};

async fn planned(world: &World, tenant: TenantId) -> Vec<PlannedRun> {
    let before = (world.authentik.writes(), world.spaces(tenant), world.states(tenant).await);
    let planned = world.worker.dry_run(&world.service, tenant).await.unwrap();
    let after = (world.authentik.writes(), world.spaces(tenant), world.states(tenant).await);
    assert_eq!(before, after, "a dry run only reads");
    planned.into_iter().filter(|run| !run.is_empty()).collect()
}

fn changes(planned: &[PlannedRun], system: SystemKind) -> Vec<&str> {
    let of_system = planned.iter().filter(|run| run.system == system);
    of_system.flat_map(|run| run.changes.iter().map(String::as_str)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_the_changes_and_makes_none() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    let acme = world.tenant("acme").await;
    let (_, anna, _) = world.member(acme, "anna").await;
    // The states are there, and no worker has looked at one.
    dezky::work::catch_up(&world.service).await.unwrap();
    let planned_first = planned(&world, acme).await;
    assert_eq!(changes(&planned_first, SystemKind::Identity), ["group.create"], "{planned_first:#?}");
    assert_eq!(changes(&planned_first, SystemKind::Mail), ["domain.create:acme.eu"], "{planned_first:#?}");
    let waits = |run: &PlannedRun| run.obstacles.iter().any(|one| one.reason.ends_with("Pending"));
    assert!(planned_first.iter().any(|run| run.system == SystemKind::Files && waits(run)), "{planned_first:#?}");
    assert!(world.groups().is_empty() && world.domains().is_empty());

    world.settle().await;
    assert_eq!(planned(&world, acme).await, []);

    // What somebody has changed by hand, and nobody has looked at since.
    let group = world.groups()[0].1.clone();
    world.authentik.system().remove_member(&group, anna.pk);
    world.stalwart.system().set_domain_enabled("acme.eu", false);
    let drift = planned(&world, acme).await;
    assert_eq!(changes(&drift, SystemKind::Identity), ["group.add"], "{drift:#?}");
    assert_eq!(changes(&drift, SystemKind::Mail), ["domain.enable:acme.eu"], "{drift:#?}");
    assert_eq!(world.domains(), [("acme.eu".to_owned(), false)]);
    world.clock.advance(DAY * 2);
    world.settle().await;
    assert_eq!(planned(&world, acme).await, [], "the run makes what the dry run told");
    assert!(!world.authentik.system().ids(Kind::Group).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_which_system_does_not_answer() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    let acme = world.tenant("acme").await;
    world.settle().await;
    world.stalwart.set_faults(Faults { share: 1.0, seed: 7, ..Faults::default() });
    let told = planned(&world, acme).await;
    assert_eq!(told.len(), 1, "the others answer: {told:#?}");
    assert!(told[0].system == SystemKind::Mail && told[0].failure.is_some(), "{told:#?}");
}
