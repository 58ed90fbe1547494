//! Logins of tenants: what is created, in which order, and what is never deleted.

use dezky::{
    connectors::{
        ConnectorSettings, Identity as _, Secret,
        authentik::{Authentik, LoginObjects},
    },
    domain::TenantId,
    emulators::authentik::Kind,
};
use serde_json::{Value, json};
use url::Url;

use crate::world::{Failure, TOKEN, World, conflict, error, new_login, old_login};

/// Kinds of objects that logins consist of, in the version of the emulator.
const PARTS: [Kind; 3] = [Kind::Provider, Kind::Application, Kind::Binding];

/// Creates the group of a tenant.
pub(crate) async fn group(world: &World, tenant: TenantId) -> String {
    world.client.create_group(&world.context, "acme", tenant).await.unwrap().id
}

/// Returns the brands beside the default one.
pub(crate) fn brands(world: &World) -> Vec<String> {
    world.authentik().ids(Kind::Brand).split_off(1)
}

#[tokio::test]
async fn a_login_lives_from_its_creation_to_its_deletion() {
    let world = World::start().await;
    let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
    let group = group(&world, tenant).await;
    assert_eq!(client.login(context, "acme").await.unwrap(), None);

    let login = client.create_login(context, &new_login(tenant, &group)).await.unwrap();
    assert_eq!(login.application, "dezky-tenant-acme");
    assert_eq!(login.client_id, format!("dezky-{tenant}"));
    assert_eq!(login.issuer, "https://acme.example.eu/application/o/dezky-tenant-acme/");
    assert_eq!(login.provider, world.only(Kind::Provider));
    assert_eq!(login.brand.as_ref(), brands(&world).first());
    assert_eq!(client.login(context, "acme").await.unwrap(), Some(login.clone()));

    let writes = world.emulator.writes();
    assert_eq!(client.create_login(context, &new_login(tenant, &group)).await.unwrap(), login);
    assert_eq!(world.emulator.writes(), writes, "nothing was missing");

    for _ in 0..2 {
        client.delete_login(context, &old_login(tenant, &login)).await.unwrap();
        assert_eq!(client.login(context, "acme").await.unwrap(), None);
    }
    assert!(PARTS.iter().all(|kind| world.authentik().ids(*kind).is_empty()) && brands(&world).is_empty());
    assert_eq!(world.authentik().ids(Kind::Group), [group]);
}

#[tokio::test]
async fn a_login_is_created_with_what_dezky_expects_of_tokens() {
    let world = World::start().await;
    let tenant = TenantId::generate();
    let group = group(&world, tenant).await;
    world.client.create_login(&world.context, &new_login(tenant, &group)).await.unwrap();
    let of = |kind, id: &str| world.authentik().fields(kind, id).unwrap();

    let provider = of(Kind::Provider, &world.only(Kind::Provider));
    assert_eq!(provider["sub_mode"], "user_uuid");
    assert_eq!(provider["issuer_mode"], "per_provider");
    assert_eq!(provider["client_type"], "confidential");
    assert_eq!(provider["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(provider["signing_key"], json!(world.only(Kind::KeyPair)));
    assert_eq!(provider["property_mappings"].as_array().unwrap().len(), 4);
    assert_eq!(provider["redirect_uris"][0]["url"], "https://app.dezky.eu/auth/oidc/callback");
    assert_eq!(provider["redirect_uris"][0]["matching_mode"], "strict");

    let application = of(Kind::Application, &world.only(Kind::Application));
    assert_eq!(application["meta_publisher"], format!("Dezky tenant {tenant}"));
    let binding = of(Kind::Binding, &world.only(Kind::Binding));
    assert_eq!(
        (&binding["group"], &binding["enabled"], &binding["negate"]),
        (&json!(group), &json!(true), &json!(false))
    );

    let brand = of(Kind::Brand, &brands(&world)[0]);
    let default = of(Kind::Brand, &world.authentik().ids(Kind::Brand)[0]);
    assert_eq!(brand["attributes"], json!({ "dezky_tenant_id": tenant.to_string() }));
    assert_eq!((&brand["domain"], &brand["default"]), (&json!("acme.example.eu"), &json!(false)));
    // Without these, people could not recover their accounts.
    assert!(brand["flow_recovery"].is_string());
    assert_eq!(brand["flow_recovery"], default["flow_recovery"]);
}

#[tokio::test]
async fn a_login_is_open_to_members_only_at_every_moment() {
    let world = World::start().await;
    let tenant = TenantId::generate();
    let group = group(&world, tenant).await;
    let (anna, stranger) = (world.authentik().add_person("anna").pk, world.authentik().add_person("stranger").pk);
    world.authentik().add_member(&group, anna);
    world.after_each(move |authentik, exchange| {
        assert!(!authentik.may_sign_in("dezky-tenant-acme", stranger), "after {exchange:?}");
    });
    let login = world.client.create_login(&world.context, &new_login(tenant, &group)).await.unwrap();
    assert!(world.authentik().may_sign_in(&login.application, anna));
    world.client.delete_login(&world.context, &old_login(tenant, &login)).await.unwrap();
    assert!(!world.authentik().may_sign_in(&login.application, anna));
}

#[tokio::test]
async fn a_creation_or_deletion_that_stops_anywhere_is_completed_by_the_next_one() {
    for after_effect in [false, true] {
        let mut at = 0;
        loop {
            let world = World::start().await;
            let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
            let new = new_login(tenant, &group(&world, tenant).await);
            world.fail(Some(Failure { at, after_effect }));
            let created = client.create_login(context, &new).await;
            let stopped = created.is_err();
            assert!(created.is_ok() || error(created).0 == "Unavailable");
            world.fail(None);
            let login = client.create_login(context, &new).await.unwrap();
            assert!(PARTS.iter().all(|kind| world.authentik().ids(*kind).len() == 1) && brands(&world).len() == 1);

            world.fail(Some(Failure { at, after_effect }));
            let stopped = client.delete_login(context, &old_login(tenant, &login)).await.is_err() || stopped;
            world.fail(None);
            client.delete_login(context, &old_login(tenant, &login)).await.unwrap();
            assert!(PARTS.iter().all(|kind| world.authentik().ids(*kind).is_empty()) && brands(&world).is_empty());
            if !stopped {
                break;
            }
            at += 1;
        }
        assert!(at >= 15, "every request of both was the failing one");
    }
}

#[tokio::test]
async fn what_is_not_this_tenants_is_told_and_left_alone() {
    let tenant = TenantId::generate();
    let publisher = json!(format!("Dezky tenant {}", TenantId::generate()));
    let foreign: [(Kind, Value); 5] = [
        (Kind::Application, json!({ "name": "x", "slug": "dezky-tenant-acme" })),
        (Kind::Application, json!({ "name": "x", "slug": "dezky-tenant-acme", "meta_publisher": publisher })),
        (Kind::Provider, json!({ "name": "dezky-tenant-acme" })),
        (Kind::Brand, json!({ "domain": "acme.example.eu" })),
        (Kind::Brand, json!({ "domain": "acme.example.eu", "attributes": { "dezky_tenant_id": "0" } })),
    ];
    for (kind, fields) in foreign {
        let world = World::unchecked().await;
        let group = group(&world, tenant).await;
        let id = world.authentik().add(kind, fields);
        let before = world.authentik().fields(kind, &id);
        let existing = conflict(world.client.create_login(&world.context, &new_login(tenant, &group)).await);
        if kind != Kind::Application {
            assert_eq!(existing, id);
        }
        assert_eq!(world.authentik().fields(kind, &id), before);
        assert_eq!(world.client.login(&world.context, "acme").await.unwrap().and_then(|login| login.brand), None);
    }
}

#[tokio::test]
async fn only_what_carries_the_marker_is_deleted() {
    let world = World::start().await;
    let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
    let group = group(&world, tenant).await;
    let login = client.create_login(context, &new_login(tenant, &group)).await.unwrap();
    let brand = login.brand.clone().unwrap();
    world.authentik().set(Kind::Brand, &brand, "attributes", json!({}));
    assert_eq!(conflict(client.delete_login(context, &old_login(tenant, &login)).await), brand);
    assert_eq!(world.authentik().ids(Kind::Application).len(), 1, "nothing is deleted before all is known");
    world.authentik().set(Kind::Brand, &brand, "attributes", json!({ "dezky_tenant_id": tenant.to_string() }));
    world.authentik().set(Kind::Application, "dezky-tenant-acme", "meta_publisher", json!("Somebody"));
    conflict(client.delete_login(context, &old_login(tenant, &login)).await);
    assert_eq!(client.login(context, "acme").await.unwrap(), None);
    assert_eq!(world.authentik().ids(Kind::Provider).len(), 1);
}

#[tokio::test]
async fn a_missing_object_of_the_installation_is_named() {
    for (kind, name) in [
        (Kind::Flow, "default-provider-authorization-implicit-consent"),
        (Kind::Flow, "default-provider-invalidation-flow"),
        (Kind::KeyPair, "authentik Self-signed Certificate"),
        (Kind::ScopeMapping, "goauthentik.io/providers/oauth2/scope-openid"),
    ] {
        let world = World::start().await;
        let tenant = TenantId::generate();
        let group = group(&world, tenant).await;
        let id = if kind == Kind::Flow { name.to_owned() } else { world.authentik().ids(kind)[0].clone() };
        assert!(world.authentik().remove(kind, &id));
        let (reason, why) = error(world.client.create_login(&world.context, &new_login(tenant, &group)).await);
        assert_eq!(reason, "Rejected");
        assert!(why.contains(name), "{why}");
        assert!(PARTS.iter().all(|kind| world.authentik().ids(*kind).is_empty()));
    }
}

#[tokio::test]
async fn other_flows_and_another_key_can_be_named() {
    let world = World::start().await;
    let tenant = TenantId::generate();
    let group = group(&world, tenant).await;
    world.authentik().add(Kind::Flow, json!({ "name": "consent", "slug": "consent" }));
    let key = world.authentik().add(Kind::KeyPair, json!({ "name": "tokens" }));
    let settings = ConnectorSettings::new(Url::parse(&world.emulator.url()).unwrap(), Secret::Bearer(TOKEN.to_owned()));
    let objects = LoginObjects {
        authorization_flow: "consent".to_owned(),
        signing_key: "tokens".to_owned(),
        ..LoginObjects::default()
    };
    let client = Authentik::with_login_objects(&settings, objects).unwrap();
    client.create_login(&world.context, &new_login(tenant, &group)).await.unwrap();
    let provider = world.authentik().fields(Kind::Provider, &world.only(Kind::Provider)).unwrap();
    assert_eq!(provider["signing_key"], json!(key));
}
