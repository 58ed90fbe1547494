//! People, their subjects and their memberships.

use dezky::{connectors::Identity as _, domain::TenantId, emulators::authentik::Kind};
use serde_json::json;

use crate::world::{World, error};

#[tokio::test]
async fn members_have_every_subject_that_they_cannot_change() {
    let world = World::start().await;
    let (client, context) = (&world.client, &world.context);
    let group = client.create_group(context, "acme", TenantId::generate()).await.unwrap();
    let (anna, ben) = (world.authentik().add_person("anna"), world.authentik().add_person("ben"));
    world.authentik().add_person("chris");
    world.authentik().set(Kind::Person, &ben.pk.to_string(), "is_active", json!(false));
    for person in [&anna, &ben] {
        world.authentik().add_member(&group.id, person.pk);
    }
    let members = client.members(context, &group.id).await.unwrap();
    assert_eq!(members.iter().map(|person| person.active).collect::<Vec<_>>(), [true, false]);
    for (member, person) in members.iter().zip([anna, ben]) {
        assert_eq!(member.id, person.pk.to_string());
        assert_eq!(member.subjects, [person.uuid, person.uid, person.pk.to_string()]);
    }
}

#[tokio::test]
async fn memberships_are_added_and_removed_twice() {
    let world = World::start().await;
    let (client, context) = (&world.client, &world.context);
    let group = client.create_group(context, "acme", TenantId::generate()).await.unwrap().id;
    let pk = world.authentik().add_person("anna").pk;
    for _ in 0..2 {
        client.add_member(context, &group, &pk.to_string()).await.unwrap();
        assert_eq!(world.authentik().members(&group).into_iter().collect::<Vec<_>>(), [pk]);
    }
    for _ in 0..2 {
        client.remove_member(context, &group, &pk.to_string()).await.unwrap();
        assert!(world.authentik().members(&group).is_empty());
    }
    world.authentik().remove(Kind::Person, &pk.to_string());
    client.remove_member(context, &group, &pk.to_string()).await.unwrap();
    assert_eq!(error(client.add_member(context, &group, &pk.to_string()).await).0, "Rejected");
    assert_eq!(error(client.add_member(context, &group, "anna").await).0, "Rejected");
    world.authentik().remove(Kind::Group, &group);
    client.remove_member(context, &group, &pk.to_string()).await.unwrap();
}

#[tokio::test]
async fn a_group_that_is_gone_has_no_empty_list_of_members() {
    let world = World::start().await;
    let group = world.authentik().add_group("acme", &json!({}));
    assert_eq!(world.client.members(&world.context, &group).await.unwrap(), []);
    world.authentik().remove(Kind::Group, &group);
    let (reason, why) = error(world.client.members(&world.context, &group).await);
    assert_eq!(reason, "Rejected");
    assert!(why.contains(&group), "{why}");
}

#[tokio::test]
async fn a_member_whom_the_credential_does_not_see_is_not_taken_for_removed() {
    let world = World::start().await;
    let group = world.authentik().add_group("acme", &json!({}));
    let pk = world.authentik().add_person("anna").pk;
    world.authentik().add_member(&group, pk);
    world.authentik().limit_rights(["authentik_core.view_group", "authentik_core.remove_user_from_group"]);
    let (reason, why) = error(world.client.remove_member(&world.context, &group, &pk.to_string()).await);
    assert_eq!(reason, "Unauthorized");
    assert!(why.contains("authentik_core.view_user"), "{why}");
    assert_eq!(world.authentik().members(&group).len(), 1);
}

#[tokio::test]
async fn a_person_is_found_by_each_subject() {
    let world = World::start().await;
    let (anna, ben) = (world.authentik().add_person("anna"), world.authentik().add_person("ben"));
    for person in [&anna, &ben] {
        for subject in [person.uuid.clone(), person.uid.clone(), person.pk.to_string()] {
            let found = world.client.person(&world.context, &subject).await.unwrap().unwrap();
            assert_eq!(found.id, person.pk.to_string(), "{subject}");
        }
    }
    for unknown in ["7d444840-9dc0-41d1-b245-5ffdce74fad2", &"0a".repeat(32), "4711"] {
        assert_eq!(world.client.person(&world.context, unknown).await.unwrap(), None, "{unknown}");
    }
}

#[tokio::test]
async fn names_and_addresses_are_no_subjects() {
    let world = World::start().await;
    let victim = world.authentik().add_person("victim");
    // People may change their names: a name like the subject of another must lead nowhere.
    world.authentik().add_person(&victim.uuid);
    let found = world.client.person(&world.context, &victim.uuid).await.unwrap().unwrap();
    assert_eq!(found.id, victim.pk.to_string());
    let _ = world.asked();
    for subject in ["victim", "victim@acme.example", "", "0", "+7"] {
        assert_eq!(world.client.person(&world.context, subject).await.unwrap(), None);
    }
    assert_eq!(world.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_hash_is_looked_for_once() {
    let world = World::start().await;
    world.authentik().set_largest_page(10);
    let people: Vec<_> = (0..35).map(|number| world.authentik().add_person(&format!("person{number}"))).collect();
    let last = people.last().unwrap();
    world.client.person(&world.context, &last.uid).await.unwrap().unwrap();
    assert_eq!(world.asked().len(), 4);
    for person in [last, &people[3]] {
        let found = world.client.person(&world.context, &person.uid).await.unwrap().unwrap();
        assert_eq!(found.id, person.pk.to_string());
        assert_eq!(world.asked(), [format!("GET /api/v3/core/users/{}/", person.pk)]);
    }
    world.authentik().remove(Kind::Person, &last.pk.to_string());
    assert_eq!(world.client.person(&world.context, &last.uid).await.unwrap(), None);
    assert!(!format!("{:?}", world.client).contains(&people[3].uid));
}

#[tokio::test]
async fn a_broken_entry_makes_nobody_absent() {
    let world = World::unchecked().await;
    let group = world.authentik().add_group("acme", &json!({}));
    let (anna, ben) = (world.authentik().add_person("anna"), world.authentik().add_person("ben"));
    world.authentik().add_member(&group, ben.pk);
    world.authentik().break_field(Kind::Person, &anna.pk.to_string(), "uid");
    // Not a member, so not of interest.
    assert_eq!(world.client.members(&world.context, &group).await.unwrap().len(), 1);
    assert!(world.client.person(&world.context, &ben.uid).await.unwrap().is_some());
    let (reason, why) = error(world.client.person(&world.context, &anna.uid).await);
    assert_eq!(reason, "Incompatible");
    assert!(why.contains("`uid`"), "{why}");
    world.authentik().add_member(&group, anna.pk);
    assert_eq!(error(world.client.members(&world.context, &group).await).0, "Incompatible");
}
