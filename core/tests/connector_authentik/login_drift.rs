//! Logins that somebody changed by hand.

use dezky::{connectors::Identity as _, domain::TenantId, emulators::authentik::Kind};
use serde_json::json;

use crate::{
    logins::{brands, group},
    world::{World, conflict, error, new_login, old_login},
};

#[tokio::test]
async fn what_was_changed_by_hand_is_repaired() {
    let world = World::start().await;
    let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
    let new = new_login(tenant, &group(&world, tenant).await);
    let login = client.create_login(context, &new).await.unwrap();
    let slug = login.application.clone();
    let binding = world.only(Kind::Binding);
    let brand = login.brand.clone().unwrap();
    for (kind, id, field, value, complete) in [
        (Kind::Provider, &login.provider, "redirect_uris", json!([]), true),
        (
            Kind::Provider,
            &login.provider,
            "redirect_uris",
            json!([
                { "matching_mode": "strict", "url": new.redirect_uri, "redirect_uri_type": "authorization" },
                { "matching_mode": "regex", "url": ".*", "redirect_uri_type": "authorization" },
            ]),
            true,
        ),
        (Kind::Provider, &login.provider, "signing_key", json!(null), true),
        (Kind::Application, &slug, "provider", json!(null), false),
        (Kind::Application, &slug, "name", json!("Other"), true),
        (Kind::Binding, &binding, "enabled", json!(false), false),
        (Kind::Binding, &binding, "negate", json!(true), false),
        (Kind::Brand, &brand, "domain", json!("old.example.eu"), true),
        (Kind::Brand, &brand, "default_application", json!(null), true),
    ] {
        let before = world.authentik().fields(kind, id).unwrap();
        assert!(world.authentik().set(kind, id, field, value));
        assert_eq!(client.login(context, "acme").await.unwrap().is_some(), complete, "{field}");
        assert_eq!(client.create_login(context, &new).await.unwrap(), login, "{field}");
        assert_eq!(world.authentik().fields(kind, id).unwrap(), before, "{field}");
    }
    assert_eq!((world.authentik().ids(Kind::Binding).len(), brands(&world).len()), (1, 1));
}

#[tokio::test]
async fn a_login_whose_group_was_deleted_is_no_longer_complete() {
    let world = World::start().await;
    let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
    let group_id = group(&world, tenant).await;
    let stranger = world.authentik().add_person("stranger").pk;
    let login = client.create_login(context, &new_login(tenant, &group_id)).await.unwrap();
    // The binding goes with the group, and an application without bindings is open to everybody.
    world.authentik().remove(Kind::Group, &group_id);
    assert!(world.authentik().may_sign_in(&login.application, stranger));
    assert_eq!(client.login(context, "acme").await.unwrap(), None);
    let (reason, why) = error(client.create_login(context, &new_login(tenant, &group_id)).await);
    assert_eq!(reason, "Rejected");
    assert!(why.contains(&group_id), "{why}");
    let again = group(&world, tenant).await;
    assert_eq!(client.create_login(context, &new_login(tenant, &again)).await.unwrap(), login);
    assert!(!world.authentik().may_sign_in(&login.application, stranger));
}

#[tokio::test]
async fn parts_that_were_deleted_by_hand_are_created_again() {
    let world = World::start().await;
    let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
    let new = new_login(tenant, &group(&world, tenant).await);
    let first = client.create_login(context, &new).await.unwrap();
    for (kind, id) in [
        (Kind::Application, first.application.clone()),
        (Kind::Brand, first.brand.clone().unwrap()),
        (Kind::Provider, first.provider.clone()),
    ] {
        assert!(world.authentik().remove(kind, &id));
        let login = client.create_login(context, &new).await.unwrap();
        assert_eq!((&login.issuer, &login.client_id), (&first.issuer, &first.client_id));
        assert_eq!(client.login(context, "acme").await.unwrap(), Some(login));
    }
}

#[tokio::test]
async fn without_its_brand_a_login_has_the_issuer_of_the_requests_host() {
    let world = World::start().await;
    let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
    let login = client.create_login(context, &new_login(tenant, &group(&world, tenant).await)).await.unwrap();
    world.authentik().remove(Kind::Brand, &login.brand.unwrap());
    let login = client.login(context, "acme").await.unwrap().unwrap();
    assert_eq!(login.brand, None);
    assert_eq!(login.issuer, format!("{}/application/o/dezky-tenant-acme/", world.emulator.url()));
    client.delete_login(context, &old_login(tenant, &login)).await.unwrap();
    assert_eq!(world.authentik().ids(Kind::Provider).len(), 0);
}

#[tokio::test]
async fn a_provider_that_serves_another_application_is_told() {
    let world = World::start().await;
    let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
    let new = new_login(tenant, &group(&world, tenant).await);
    let login = client.create_login(context, &new).await.unwrap();
    let pk: i64 = login.provider.parse().unwrap();
    world.authentik().set(Kind::Application, &login.application, "provider", json!(null));
    world.authentik().add(Kind::Application, json!({ "name": "wiki", "slug": "wiki", "provider": pk }));
    assert_eq!(conflict(client.create_login(context, &new).await), login.provider);
}

#[tokio::test]
async fn two_brands_of_a_tenant_are_for_a_person_to_sort_out() {
    let world = World::start().await;
    let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
    let new = new_login(tenant, &group(&world, tenant).await);
    let login = client.create_login(context, &new).await.unwrap();
    let attributes = json!({ "dezky_tenant_id": tenant.to_string() });
    let second = world.authentik().add(Kind::Brand, json!({ "domain": "second.example.eu", "attributes": attributes }));
    let told = conflict(client.create_login(context, &new).await);
    assert!([Some(&second), login.brand.as_ref()].contains(&Some(&told)));
    client.delete_login(context, &old_login(tenant, &login)).await.unwrap();
    assert!(brands(&world).is_empty());
}

#[tokio::test]
async fn the_host_is_compared_without_regard_to_case() {
    let world = World::start().await;
    let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
    let mut new = new_login(tenant, &group(&world, tenant).await);
    let login = client.create_login(context, &new).await.unwrap();
    new.host = " ACME.example.EU ".to_owned();
    let writes = world.emulator.writes();
    assert_eq!(client.create_login(context, &new).await.unwrap(), login);
    assert_eq!(world.emulator.writes(), writes);
}
