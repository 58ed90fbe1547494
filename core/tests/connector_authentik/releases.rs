//! Versions of Authentik, and the rights that the client needs in each.

use dezky::{
    connectors::{ConnectorError, Identity as _},
    domain::TenantId,
    emulators::authentik::Kind,
};

use crate::{
    logins::group,
    world::{TOKEN, World, client_of, conflict, error, new_login, old_login},
};

const VERSIONS: [&str; 5] = ["2025.12.6", "2026.2.0", "2026.5.6", "2026.8.3", "2026.11.0-rc1"];

/// Uses everything that the client can do.
async fn use_everything(world: &World) -> Result<(), ConnectorError> {
    let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
    let created = client.create_group(context, "acme", tenant).await?;
    client.create_group(context, "acme", tenant).await?;
    client.rename_group(context, &created.id, "acme-eu").await?;
    let person = world.authentik().add_person("anna");
    client.add_member(context, &created.id, &person.pk.to_string()).await?;
    client.members(context, &created.id).await?;
    client.person(context, &person.uuid).await?;
    let new = new_login(tenant, &created.id);
    let login = client.create_login(context, &new).await?;
    assert_eq!(client.login(context, "acme").await?, Some(login.clone()));
    // Changes that only a repair makes.
    world.authentik().set(Kind::Provider, &login.provider, "redirect_uris", serde_json::json!([]));
    world.authentik().set(Kind::Binding, &world.only(Kind::Binding), "enabled", serde_json::json!(false));
    let brand = login.brand.clone().unwrap();
    world.authentik().set(Kind::Brand, &brand, "domain", serde_json::json!("old.example.eu"));
    assert_eq!(client.create_login(context, &new).await?, login);
    client.delete_login(context, &old_login(tenant, &login)).await?;
    client.remove_member(context, &created.id, &person.pk.to_string()).await?;
    client.delete_group(context, &created.id).await
}

#[tokio::test]
async fn everything_works_in_every_version() {
    for version in VERSIONS {
        let world = World::of_version(version).await;
        use_everything(&world).await.unwrap();
        for kind in [Kind::Group, Kind::Provider, Kind::Application, Kind::Binding, Kind::Secret] {
            assert!(world.authentik().ids(kind).is_empty(), "{version} {kind:?}");
        }
        let report = world.client.check(&world.context).await.unwrap();
        assert_eq!(report.version, Some(format!("Authentik {version}")));
        assert!(report.missing_rights.is_empty());
    }
}

#[tokio::test]
async fn a_provider_has_the_fields_of_its_version() {
    for version in VERSIONS {
        let world = World::of_version(version).await;
        let tenant = TenantId::generate();
        let new = new_login(tenant, &group(&world, tenant).await);
        world.client.create_login(&world.context, &new).await.unwrap();
        let provider = world.authentik().fields(Kind::Provider, &world.only(Kind::Provider)).unwrap();
        let has =
            |field: &str| provider.get(field).is_some_and(|value| value.as_array().is_none_or(|list| !list.is_empty()));
        assert_eq!(has("grant_types"), !matches!(version, "2025.12.6" | "2026.2.0"), "{version}");
        assert_eq!(has("client_secret"), version != "2026.11.0-rc1", "{version}");
        let secrets = world.authentik().ids(Kind::Secret);
        if version == "2026.11.0-rc1" {
            assert_eq!(provider["secret"].as_str(), secrets.first().map(String::as_str));
            let secret = world.authentik().fields(Kind::Secret, &secrets[0]).unwrap();
            assert_eq!(secret["name"], format!("dezky-{tenant} client secret"));
        } else {
            assert!(secrets.is_empty());
        }
    }
}

#[tokio::test]
async fn a_secret_that_something_else_uses_is_told() {
    let world = World::of_version("2026.11.0-rc1").await;
    let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
    let login = client.create_login(context, &new_login(tenant, &group(&world, tenant).await)).await.unwrap();
    let secret = world.only(Kind::Secret);
    let other = world.authentik().add(Kind::Provider, serde_json::json!({ "name": "wiki", "secret": secret }));
    assert_eq!(conflict(client.delete_login(context, &old_login(tenant, &login)).await), secret);
    world.authentik().remove(Kind::Provider, &other);
    client.delete_login(context, &old_login(tenant, &login)).await.unwrap();
    assert!(world.authentik().ids(Kind::Secret).is_empty());
}

#[tokio::test]
async fn an_update_of_the_system_is_noticed_at_once() {
    let world = World::unchecked().await;
    let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
    client.check(context).await.unwrap();
    world.authentik().set_version("2026.11.0");
    let login = client.create_login(context, &new_login(tenant, &group(&world, tenant).await)).await.unwrap();
    assert_eq!(world.authentik().ids(Kind::Secret).len(), 1);
    client.delete_login(context, &old_login(tenant, &login)).await.unwrap();
    assert!(world.authentik().ids(Kind::Secret).is_empty());
}

#[tokio::test]
async fn unknown_versions_are_told() {
    for (version, told) in [("2025.10.4", true), ("2024.12.3", true), ("2027.2.0", true), ("next", false), ("", false)]
    {
        let world = World::unchecked().await;
        world.authentik().set_version(version);
        match world.client.check(&world.context).await {
            Err(ConnectorError::Incompatible { version: found, why }) => {
                assert_eq!(found.as_deref(), told.then_some(version));
                assert!(why.contains("2025.12 to 2026.x"), "{why}");
            }
            other => panic!("{version}: {other:?}"),
        }
        let login = new_login(TenantId::generate(), "7d444840-9dc0-41d1-b245-5ffdce74fad2");
        assert_eq!(error(world.client.create_login(&world.context, &login).await).0, "Incompatible");
        assert_eq!(world.emulator.writes(), 0);
    }
}

#[tokio::test]
async fn the_rights_that_are_told_are_enough_and_each_is_needed() {
    for version in ["2026.8.3", "2026.11.0-rc1"] {
        let world = World::of_version(version).await;
        world.authentik().limit_rights(Vec::<String>::new());
        let missing = world.client.check(&world.context).await.unwrap().missing_rights;
        let rights: Vec<String> = missing.iter().map(|clause| clause.split('`').nth(1).unwrap().to_owned()).collect();
        assert_eq!(rights.iter().any(|right| right.starts_with("authentik_secrets.")), version == "2026.11.0-rc1");
        world.authentik().limit_rights(rights.clone());
        assert!(world.client.check(&world.context).await.unwrap().missing_rights.is_empty());
        use_everything(&world).await.unwrap();

        for without in &rights {
            let world = World::of_version(version).await;
            world.authentik().limit_rights(rights.iter().filter(|right| *right != without).cloned());
            let told = world.client.check(&world.context).await.unwrap().missing_rights;
            assert!(told.len() == 1 && told[0].contains(without.as_str()), "{told:?}");
            // Brands can be seen without a right, at least so far.
            if without != "authentik_brands.view_brand" {
                let outcome = use_everything(&world).await;
                assert!(matches!(error(outcome), ("Unauthorized" | "Rejected", _)), "{without} is not needed");
            }
        }
    }
}

#[tokio::test]
async fn a_credential_that_is_unknown_or_expired_is_told_apart_from_a_missing_right() {
    let world = World::start().await;
    let (reason, why) = error(client_of(&world.emulator.url(), "another-token").check(&world.context).await);
    assert_eq!(reason, "Unauthorized");
    assert!(why.contains("does not accept the token"), "{why}");
    world.authentik().expire_token();
    assert_eq!(error(world.client.check(&world.context).await), (reason, why));
    assert_eq!(
        error(client_of(&world.emulator.url(), TOKEN).groups_of(&world.context, TenantId::generate()).await).0,
        reason
    );

    let world = World::start().await;
    world.authentik().limit_rights(["authentik_core.view_group"]);
    let (reason, why) = error(world.client.create_group(&world.context, "acme", TenantId::generate()).await);
    assert_eq!(reason, "Unauthorized");
    assert!(why.contains("may not create a group"), "{why}");
}
