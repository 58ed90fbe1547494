//! Changes made by hand in the systems: told, and undone where the policy says so.

use std::time::Duration;

use dezky::{
    domain::{
        GrantSource, Membership, RevokedBy,
        workspace::{Phase, SystemKind},
    },
    emulators::authentik::Kind,
    store::Commit,
    workspace::Drift,
};
use serde_json::json;

use crate::{
    support::{self, system},
    world::{DAY, World},
};

/// Does by hand what administrators do.
async fn meddle(world: &World, acme: dezky::domain::TenantId, anna: i64) {
    let group = world.groups().into_iter().find(|(name, _)| name == "acme").unwrap().1;
    world.authentik.system().remove_member(&group, anna);
    world.stalwart.system().set_domain_enabled("acme.eu", false);
    world.stalwart.system().set_quota("anna@acme.eu", Some(1));
    let space = world.spaces(acme)[0].id.clone();
    assert!(world.ocis.system().edit_space(&space, |space| space.quota = 7));
    world.clock.advance(DAY * 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_by_hand_is_undone() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    let acme = world.tenant("acme").await;
    let (_, anna, _) = world.member(acme, "anna").await;
    world.settle().await;
    let quota = world.spaces(acme)[0].quota;
    meddle(&world, acme, anna.pk).await;
    world.settle().await;
    world.assert_ready(acme).await;
    assert_eq!(world.members("acme"), [anna.pk].into());
    assert_eq!(world.domains(), [("acme.eu".to_owned(), true)]);
    assert_eq!(world.spaces(acme)[0].quota, quota);
    // So is a mailbox of which the quota was changed, which the look at its domain sees.
    let quotas: Vec<_> = world.stalwart.system().accounts().into_iter().map(|account| account.quota).collect();
    assert_eq!(quotas, [Some(10 << 30)]);
    // A group that the file system has lost has access again, once the next look for it has come.
    world.ocis.system().remove_group("acme");
    for _ in 0..2 {
        world.clock.advance(DAY);
        world.settle().await;
    }
    let access = world.spaces(acme)[0].members.iter().filter(|member| member.group().is_some()).count();
    assert_eq!(access, 2, "that of the group that is gone, and of the new one");
    world.assert_ready(acme).await;
    // A group that is gone comes back with its people.
    let group = world.groups().into_iter().find(|(name, _)| name == "acme").unwrap().1;
    assert!(world.authentik.system().remove(Kind::Group, &group));
    world.clock.advance(DAY * 2);
    world.settle().await;
    assert_eq!(world.members("acme"), [anna.pk].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_by_hand_is_told_where_it_is_not_undone() {
    let fixture = support::sqlite();
    let world = World::with(fixture.store.clone(), Drift::Report).await;
    let acme = world.tenant("acme").await;
    let (_, anna, _) = world.member(acme, "anna").await;
    world.settle().await;
    meddle(&world, acme, anna.pk).await;
    world.settle().await;
    assert_eq!(world.domains(), [("acme.eu".to_owned(), false)], "left as it is");
    for kind in [SystemKind::Mail, SystemKind::Files] {
        let state = world.state(acme, kind).await;
        assert_eq!(state.phase, Phase::Degraded, "{state:#?}");
        assert!(state.conditions.iter().any(|one| one.reason == "Drift"), "{state:#?}");
    }
    // Somebody asks for it: then it is done.
    world.service.retry_workspace(&system(), &acme.into()).await.unwrap();
    world.settle().await;
    assert_eq!(world.domains(), [("acme.eu".to_owned(), true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_taken_out_of_the_group_loses_the_membership_that_came_from_it() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    let acme = world.tenant("acme").await;
    let (anna, known, _) = world.member(acme, "anna").await;
    world.settle().await;
    // As the claims sync would have made it.
    let stored = world.membership(acme, anna).await.unwrap();
    let claimed = Membership { source: GrantSource::Claim, version: stored.version + 1, ..stored.clone() };
    let mut commit = Commit::new();
    commit.update(&claimed, stored.version).unwrap();
    world.store().commit(&system().context, &commit).await.unwrap();
    let group = world.groups().into_iter().find(|(name, _)| name == "acme").unwrap().1;
    world.authentik.system().remove_member(&group, known.pk);
    world.clock.advance(DAY * 2);
    world.settle().await;
    let after = world.membership(acme, anna).await.unwrap();
    assert!(!after.active && after.revoked_by == Some(RevokedBy::Claim), "{after:?}");
    assert_eq!(world.members("acme"), [].into(), "nobody puts them back");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_revoked_here_is_taken_out_there_again() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    let acme = world.tenant("acme").await;
    let (anna, known, _) = world.member(acme, "anna").await;
    let stranger = world.authentik.system().add_person("stranger");
    world.settle().await;
    world.service.revoke_membership(&system(), &acme.into(), anna).await.unwrap();
    world.settle().await;
    let group = world.groups().into_iter().find(|(name, _)| name == "acme").unwrap().1;
    world.authentik.system().add_member(&group, known.pk);
    // Whom the tenant does not know becomes a member by signing in.
    world.authentik.system().add_member(&group, stranger.pk);
    world.clock.advance(DAY * 2);
    world.settle().await;
    assert_eq!(world.members("acme"), [stranger.pk].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn something_foreign_of_the_same_name_is_never_taken_over() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    let foreign = world.authentik.system().add_group("acme", &json!({}));
    let person = world.authentik.system().add_person("somebody");
    world.authentik.system().add_member(&foreign, person.pk);
    world.stalwart.system().add_domain("acme.eu");
    world.stalwart.system().add_mailbox("ceo@acme.eu");
    let acme = world.tenant("acme").await;
    for _ in 0..3 {
        world.work().await;
        world.clock.advance(Duration::from_secs(60));
    }
    let state = world.state(acme, SystemKind::Identity).await;
    assert_eq!(state.phase, Phase::Failed, "{state:#?}");
    let told = state.conditions.iter().find(|one| one.reason == "ForeignGroup").unwrap();
    assert!(told.message.contains(&acme.to_string()), "it says what to do: {}", told.message);
    assert_eq!(state.external_id("group"), None);
    let mail = world.state(acme, SystemKind::Mail).await;
    assert!(mail.conditions.iter().any(|one| one.reason == "ForeignDomain"), "{mail:#?}");
    assert_eq!(world.authentik.system().members(&foreign), [person.pk].into());
    // Handed over by its marker, it is used.
    assert!(world.authentik.system().set(
        Kind::Group,
        &foreign,
        "attributes",
        json!({"dezky_tenant_id": acme.to_string()})
    ));
    world.service.retry_workspace(&system(), &acme.into()).await.unwrap();
    world.work().await;
    world.work().await;
    assert_eq!(world.state(acme, SystemKind::Identity).await.phase, Phase::Ready);
    assert_eq!(world.state(acme, SystemKind::Identity).await.external_id("group"), Some(foreign.as_str()));
}
