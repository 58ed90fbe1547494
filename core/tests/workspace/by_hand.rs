//! Systems that no connector reaches: addresses are recorded, and what to run is told.

use dezky::{
    domain::{
        TenantId, TenantStatus,
        workspace::{Phase, SystemKind, SystemState},
    },
    service::workspaces::WorkspaceLink,
};

use crate::{
    support::{self, system},
    world::{DAY, World},
};

async fn link(world: &World, tenant: TenantId, kind: SystemKind) -> WorkspaceLink {
    let view = world.service.read_workspace(&system(), &tenant.into()).await.unwrap();
    view.links.into_iter().find(|link| link.system == kind).unwrap()
}

fn told(state: &SystemState) -> (&str, &str) {
    let condition = state.conditions.iter().find(|one| one.kind == "SetUp").unwrap();
    (&condition.reason, &condition.message)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_is_set_up_moved_and_removed_by_hand_and_nothing_waits_for_it() {
    let fixture = support::sqlite();
    let world = World::with_by_hand(fixture.store.clone()).await;
    let acme = world.tenant("acme").await;
    world.settle().await;
    assert_eq!(world.load(acme).await.status, TenantStatus::Active, "a tenant is active without them");
    assert!(world.service.read_workspace(&system(), &acme.into()).await.unwrap().ready);
    let meetings = link(&world, acme, SystemKind::Meetings).await;
    assert_eq!((meetings.phase, meetings.url.as_deref()), (Phase::Ready, Some("https://meet.example.eu/acme")));

    let state = world.state(acme, SystemKind::Chat).await;
    let (reason, message) = told(&state);
    assert_eq!((state.phase, reason), (Phase::Waiting, "SetUpByHand"), "{state:#?}");
    for part in ["generate_realm_creation_link", "https://acme.chat.example.eu", "dezky workspace confirm acme chat"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(link(&world, acme, SystemKind::Chat).await.url, None, "nobody is sent to what is not there");
    world.service.confirm_workspace(&system(), &acme.into(), "chat").await.unwrap();
    world.settle().await;
    let chat = link(&world, acme, SystemKind::Chat).await;
    assert_eq!((chat.phase, chat.url.as_deref()), (Phase::Ready, Some("https://acme.chat.example.eu")));

    // What is confirmed is a system by hand that is configured.
    for other in ["files", "telephone", ""] {
        let refused = world.service.confirm_workspace(&system(), &acme.into(), other).await.unwrap_err();
        assert!(refused.is(dezky::Code::NOT_FOUND), "{other}");
    }

    world.service.delete_tenant(&system(), &acme.into()).await.unwrap();
    world.settle().await;
    assert_eq!(world.state(acme, SystemKind::Chat).await.phase, Phase::Suspended);
    world.clock.advance(DAY * 31);
    world.settle().await;
    let state = world.state(acme, SystemKind::Chat).await;
    assert_eq!((state.phase, told(&state).0), (Phase::Removing, "RemoveByHand"), "{state:#?}");
    assert_eq!(world.state(acme, SystemKind::Meetings).await.phase, Phase::Removed);
    assert_eq!(world.state(acme, SystemKind::Files).await.phase, Phase::Removed, "files do not wait for it");
    world.service.confirm_workspace(&system(), &acme.into(), "chat").await.unwrap();
    world.settle().await;
    assert_eq!(world.state(acme, SystemKind::Chat).await.phase, Phase::Removed);
}
