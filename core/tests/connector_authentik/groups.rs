//! Groups of tenants.

use dezky::{connectors::Identity as _, domain::TenantId, emulators::authentik::Kind};
use serde_json::json;

use crate::world::{World, conflict, error};

#[tokio::test]
async fn a_group_lives_from_its_creation_to_its_deletion() {
    let world = World::start().await;
    let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
    assert_eq!(client.group_named(context, "acme").await.unwrap(), None);
    assert_eq!(client.groups_of(context, tenant).await.unwrap(), []);

    let group = client.create_group(context, "acme", tenant).await.unwrap();
    assert_eq!((group.name.as_str(), group.tenant), ("acme", Some(tenant)));
    assert_eq!(client.group(context, &group.id).await.unwrap(), Some(group.clone()));
    assert_eq!(client.group_named(context, "acme").await.unwrap(), Some(group.clone()));
    assert_eq!(client.groups_of(context, tenant).await.unwrap(), std::slice::from_ref(&group));
    assert_eq!(client.groups_of(context, TenantId::generate()).await.unwrap(), []);

    for _ in 0..2 {
        client.rename_group(context, &group.id, "acme-eu").await.unwrap();
        let renamed = client.group(context, &group.id).await.unwrap().unwrap();
        assert_eq!((renamed.name.as_str(), renamed.tenant), ("acme-eu", Some(tenant)));
    }
    for _ in 0..2 {
        client.delete_group(context, &group.id).await.unwrap();
        assert_eq!(client.group(context, &group.id).await.unwrap(), None);
    }
    assert_eq!(world.authentik().ids(Kind::Group), Vec::<String>::new());
}

#[tokio::test]
async fn a_group_that_is_ours_already_is_not_created_twice() {
    let world = World::start().await;
    let tenant = TenantId::generate();
    let first = world.client.create_group(&world.context, "acme", tenant).await.unwrap();
    let second = world.client.create_group(&world.context, " acme ", tenant).await.unwrap();
    assert_eq!((first.id, 1), (second.id, world.authentik().ids(Kind::Group).len()));
}

#[tokio::test]
async fn a_group_of_the_name_that_is_not_ours_is_told_and_not_adopted() {
    let world = World::start().await;
    for attributes in
        [json!({}), json!({ "dezky_tenant_id": TenantId::generate().to_string() }), json!({ "dezky_tenant_id": 7 })]
    {
        let foreign = world.authentik().add_group("acme", &attributes);
        let created = world.client.create_group(&world.context, "acme", TenantId::generate()).await;
        assert_eq!(conflict(created), foreign);
        assert_eq!(world.authentik().fields(Kind::Group, &foreign).unwrap()["attributes"], attributes);
        world.authentik().remove(Kind::Group, &foreign);
    }
}

#[tokio::test]
async fn names_are_exact() {
    let world = World::start().await;
    let (upper, lower) =
        (world.authentik().add_group("Acme", &json!({})), world.authentik().add_group("acme", &json!({})));
    let named = async |name| world.client.group_named(&world.context, name).await.unwrap().map(|group| group.id);
    assert_eq!(named("Acme").await, Some(upper));
    assert_eq!(named("acme").await, Some(lower));
    assert_eq!(named("acm").await, None);
    // An empty filter gives all groups.
    assert_eq!(named("").await, None);
    let created = world.client.create_group(&world.context, " ", TenantId::generate()).await;
    assert_eq!(error(created).0, "Rejected");
}

#[tokio::test]
async fn a_filter_that_gives_everything_finds_only_what_is_ours() {
    let world = World::start().await;
    let (tenant, other) = (TenantId::generate(), TenantId::generate());
    world.authentik().add_group("authentik Admins", &json!({}));
    world.authentik().add_group("other", &json!({ "dezky_tenant_id": other.to_string() }));
    let group = world.client.create_group(&world.context, "acme", tenant).await.unwrap();
    world.authentik().ignore_attribute_filter();
    assert_eq!(world.client.groups_of(&world.context, tenant).await.unwrap(), [group]);
}

#[tokio::test]
async fn two_groups_with_the_marker_are_both_told() {
    let world = World::start().await;
    let tenant = TenantId::generate();
    world.client.create_group(&world.context, "acme", tenant).await.unwrap();
    world.authentik().add_group("acme copy", &json!({ "dezky_tenant_id": tenant.to_string() }));
    assert_eq!(world.client.groups_of(&world.context, tenant).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_broken_entry_matters_only_if_it_is_ours() {
    let world = World::unchecked().await;
    let tenant = TenantId::generate();
    let foreign = world.authentik().add_group("other", &json!({}));
    let group = world.client.create_group(&world.context, "acme", tenant).await.unwrap();
    world.authentik().ignore_attribute_filter();
    world.authentik().break_field(Kind::Group, &foreign, "name");
    assert_eq!(world.client.groups_of(&world.context, tenant).await.unwrap(), std::slice::from_ref(&group));
    world.authentik().break_field(Kind::Group, &group.id, "name");
    let (reason, why) = error(world.client.groups_of(&world.context, tenant).await);
    assert_eq!(reason, "Incompatible");
    assert!(why.contains("`name`"), "{why}");
}

#[tokio::test]
async fn a_rename_keeps_members_and_marker_and_respects_other_groups() {
    let world = World::start().await;
    let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
    let other = world.authentik().add_group("other", &json!({}));
    let person = world.authentik().add_person("anna");
    let group = client.create_group(context, "acme", tenant).await.unwrap();
    world.authentik().add_member(&group.id, person.pk);
    assert_eq!(conflict(client.rename_group(context, &group.id, "other").await), other);
    client.rename_group(context, &group.id, "acme-eu").await.unwrap();
    assert_eq!(world.authentik().members(&group.id).len(), 1);
    assert_eq!(client.groups_of(context, tenant).await.unwrap().len(), 1);
    world.authentik().remove(Kind::Group, &group.id);
    let (reason, why) = error(client.rename_group(context, &group.id, "acme").await);
    assert_eq!(reason, "Rejected");
    assert!(why.contains(&group.id), "{why}");
}

#[tokio::test]
async fn ids_of_any_form_name_no_other_path() {
    let world = World::unchecked().await;
    for id in ["", ".", "..", "../users", "a/b", "x?y=z", "7d444840"] {
        let outcome = world.client.group(&world.context, id).await;
        assert!(matches!(&outcome, Ok(None)) || error(outcome).0 == "Rejected", "{id}");
    }
    for asked in world.asked() {
        assert!(asked.starts_with("GET /api/v3/core/groups/"), "{asked}");
    }
}
