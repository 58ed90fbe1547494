//! Failures of the connection and of the server, and what is there after the same change again.

use std::time::Duration;

use dezky::{
    connectors::{ConnectorError, ConnectorResult, Identity as _},
    context::RequestContext,
    domain::TenantId,
    emulators::{Fault, Faults, authentik::Kind},
};

use crate::world::{World, error, new_login, old_login};

const FAULTS: [(Fault, &str); 7] = [
    (Fault::ErrorBefore, "Unavailable"),
    (Fault::ErrorAfter, "Unavailable"),
    (Fault::ResetBefore, "Unavailable"),
    (Fault::ResetAfter, "Unavailable"),
    (Fault::Cut, "Unavailable"),
    (Fault::RateLimit, "Unavailable"),
    (Fault::Expired, "Unauthorized"),
];

fn every(fault: Fault) -> Faults {
    Faults { every: Some(fault), ..Faults::default() }
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_made_once() {
    for (fault, expected) in FAULTS {
        let world = World::start().await;
        let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
        world.emulator.set_faults(every(fault));
        assert_eq!(error(client.create_group(context, "acme", tenant).await).0, expected, "{fault:?}");
        world.emulator.set_faults(Faults::default());
        let group = client.create_group(context, "acme", tenant).await.unwrap().id;
        assert_eq!(world.only(Kind::Group), group, "{fault:?}");

        let person = world.authentik().add_person("anna").pk;
        let id = person.to_string();
        world.emulator.set_faults(every(fault));
        assert_eq!(error(client.rename_group(context, &group, "acme-eu").await).0, expected, "{fault:?}");
        // A cut answer of no length is whole.
        let added = client.add_member(context, &group, &id).await;
        assert!(fault == Fault::Cut || error(added).0 == expected, "{fault:?}");
        world.emulator.set_faults(Faults::default());
        client.rename_group(context, &group, "acme-eu").await.unwrap();
        client.add_member(context, &group, &id).await.unwrap();
        assert_eq!(world.authentik().members(&group).into_iter().collect::<Vec<_>>(), [person]);
        client.remove_member(context, &group, &id).await.unwrap();

        world.emulator.set_faults(every(fault));
        let _ = client.delete_group(context, &group).await;
        world.emulator.set_faults(Faults::default());
        client.delete_group(context, &group).await.unwrap();
        assert!(world.authentik().ids(Kind::Group).is_empty());
    }
}

#[tokio::test]
async fn a_rate_limit_tells_how_long_to_wait() {
    let world = World::start().await;
    world.emulator.set_faults(every(Fault::RateLimit));
    match world.client.groups_of(&world.context, TenantId::generate()).await {
        Err(ConnectorError::Retryable { after, .. }) => assert_eq!(after, Some(Duration::from_secs(1))),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.emulator.requests(), 1, "the controller decides when to ask again");
}

#[tokio::test]
async fn nothing_is_asked_after_the_deadline() {
    let world = World::start().await;
    let late = RequestContext::within("test", Duration::ZERO);
    assert_eq!(error(world.client.create_group(&late, "acme", TenantId::generate()).await).0, "Unavailable");
    assert_eq!(world.emulator.requests(), 0);
}

#[tokio::test]
async fn a_system_that_is_down_is_unavailable() {
    let client = {
        let world = World::start().await;
        crate::world::client_of(&world.emulator.url(), crate::world::TOKEN)
    };
    assert_eq!(error(client.check(&RequestContext::new("test")).await).0, "Unavailable");
}

/// Tries until it succeeds, as a controller does.
async fn until_done<T>(mut change: impl AsyncFnMut() -> ConnectorResult<T>) -> T {
    for _ in 0..200 {
        match change().await {
            Ok(done) => return done,
            Err(error) => assert!(error.may_retry(), "{error:?}"),
        }
    }
    panic!("no success in 200 attempts");
}

#[tokio::test]
async fn random_faults_leave_exactly_one_of_each() {
    for seed in 0..8 {
        let world = World::of_version("2026.11.0-rc1").await;
        let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
        world.emulator.set_faults(Faults { share: 0.2, seed, ..Faults::default() });
        let group = until_done(async || client.create_group(context, "acme", tenant).await).await;
        let new = new_login(tenant, &group.id);
        let login = until_done(async || client.create_login(context, &new).await).await;
        for kind in [Kind::Group, Kind::Provider, Kind::Application, Kind::Binding, Kind::Secret] {
            world.only(kind);
        }
        assert_eq!(world.authentik().ids(Kind::Brand).len(), 2, "seed {seed}");
        until_done(async || client.delete_login(context, &old_login(tenant, &login)).await).await;
        until_done(async || client.delete_group(context, &group.id).await).await;
        for kind in [Kind::Group, Kind::Provider, Kind::Application, Kind::Binding, Kind::Secret] {
            assert!(world.authentik().ids(kind).is_empty(), "seed {seed} {kind:?}");
        }
        assert_eq!(world.authentik().ids(Kind::Brand).len(), 1, "seed {seed}");
    }
}

#[tokio::test]
async fn what_lists_do_not_show_yet_is_not_created_twice() {
    let world = World::start().await;
    let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
    world.emulator.set_faults(Faults { listing_delay: Duration::from_secs(60), ..Faults::default() });
    client.create_group(context, "acme", tenant).await.unwrap();
    // The name is taken, but whose it is cannot be seen.
    assert_eq!(error(client.create_group(context, "acme", tenant).await).0, "Rejected");
    world.emulator.set_faults(Faults::default());
    client.create_group(context, "acme", tenant).await.unwrap();
    world.only(Kind::Group);
}
