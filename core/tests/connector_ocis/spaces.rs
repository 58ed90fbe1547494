//! Traps of spaces: filters, markers, names, quotas.

use dezky::connectors::{Files as _, NewSpace, SpaceChange, SpaceState};
use serde_json::json;

use crate::stage::{OcisFixture, QUOTA, context, failure};

#[tokio::test]
async fn only_the_exact_marker_makes_a_space_a_tenants() {
    let stage = OcisFixture::new().await;
    let marker = format!("dezky:tenant:{}", stage.tenant);
    for description in [
        None,
        Some("dezky:tenant:65f0c0ffee0000000000caff"),
        Some(&*format!("{marker} v2")),
        Some(&*marker.to_uppercase()),
        Some("Acme GmbH"),
    ] {
        stage.system().add_space("Acme GmbH", description).unwrap();
    }
    assert!(stage.files.spaces_of(&context(), stage.tenant).await.unwrap().is_empty());
    let id = stage.system().add_space("Renamed by hand", Some(&marker)).unwrap();
    let found = stage.files.spaces_of(&context(), stage.tenant).await.unwrap();
    assert_eq!(found.iter().map(|space| space.id.as_str()).collect::<Vec<_>>(), [id.as_str()]);
}

#[tokio::test]
async fn several_marked_spaces_are_all_returned_and_disabled_ones_too() {
    let stage = OcisFixture::new().await;
    let first = stage.space().await;
    stage.files.disable_space(&context(), &first.id).await.unwrap();
    let second = stage.space().await;
    assert_ne!(first.id, second.id, "the system makes a second one");
    let found = stage.files.spaces_of(&context(), stage.tenant).await.unwrap();
    assert_eq!(found.len(), 2);
    let states = |id: &str| found.iter().find(|space| space.id == id).unwrap().state;
    assert_eq!((states(&first.id), states(&second.id)), (SpaceState::Disabled, SpaceState::Enabled));
}

#[tokio::test]
async fn a_space_whose_marker_was_removed_is_still_found_by_its_id() {
    let stage = OcisFixture::new().await;
    let space = stage.space().await;
    stage.edit(&space.id, |space| space.description = Some("our files".to_owned()));
    assert_eq!(stage.files.space(&context(), &space.id).await.unwrap().unwrap().tenant, None);
    assert!(stage.files.spaces_of(&context(), stage.tenant).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_broken_entry_of_somebody_else_is_passed_over() {
    let stage = OcisFixture::new().await;
    let space = stage.space().await;
    for entry in [
        json!({ "id": 7, "quota": "large", "root": [] }),
        json!({ "description": { "text": "x" } }),
        json!(null),
        json!("x"),
        json!({}),
    ] {
        stage.system().list_also(entry);
    }
    assert_eq!(stage.files.spaces_of(&context(), stage.tenant).await.unwrap(), [space]);
}

#[tokio::test]
async fn a_broken_entry_of_ours_is_an_error_that_names_the_member() {
    let stage = OcisFixture::new().await;
    let marker = format!("dezky:tenant:{}", stage.tenant);
    stage.system().list_also(json!({ "description": marker, "id": "a$b", "quota": { "total": "large" } }));
    let why = failure(stage.files.spaces_of(&context(), stage.tenant).await, "Incompatible");
    assert!(why.contains("`quota.total`"), "{why}");
}

#[tokio::test]
async fn names_that_the_system_does_not_keep_are_refused_before() {
    let stage = OcisFixture::new().await;
    let space = stage.space().await;
    stage.changes();
    for name in ["Acme & Co. KG", " lead", "trail ", "a\nb", "", "a/b", &"ü".repeat(128)] {
        let new = NewSpace { name: name.to_owned(), ..stage.new_space() };
        failure(stage.files.create_space(&context(), &new).await, "Rejected");
        let change = SpaceChange { name: Some(name.to_owned()), quota: None };
        failure(stage.files.update_space(&context(), &space.id, &change).await, "Rejected");
    }
    assert!(stage.changes().is_empty());
}

#[tokio::test]
async fn clean_names_are_kept_as_they_are() {
    let stage = OcisFixture::new().await;
    for name in
        ["Acme & Co. KG", " lead\u{a0}", "a\nb\0c", "..", "", "Ümläut 株式会社 🚀", &"ü".repeat(300), "a/\\.:?*\"><|b"]
    {
        let name = stage.files.clean_name(name);
        let space = stage.files.create_space(&context(), &NewSpace { name: name.clone(), ..stage.new_space() }).await;
        let space = space.unwrap();
        assert_eq!((&space.name, &stage.record(&space.id).name), (&name, &name));
        assert_eq!(stage.files.clean_name(&name), name);
    }
}

#[tokio::test]
async fn a_quota_always_bounds() {
    let stage = OcisFixture::new().await;
    let space = stage.space().await;
    stage.changes();
    for quota in [0, 1 << 63, u64::MAX] {
        failure(stage.files.create_space(&context(), &NewSpace { quota, ..stage.new_space() }).await, "Rejected");
        let change = SpaceChange { quota: Some(quota), name: None };
        failure(stage.files.update_space(&context(), &space.id, &change).await, "Rejected");
    }
    assert!(stage.changes().is_empty());
    for quota in [1, (1 << 63) - 1] {
        let change = SpaceChange { quota: Some(quota), name: None };
        stage.files.update_space(&context(), &space.id, &change).await.unwrap();
        assert_eq!(stage.files.space(&context(), &space.id).await.unwrap().unwrap().quota, Some(quota));
    }
}

#[tokio::test]
async fn a_quota_that_was_lifted_by_hand_is_no_bound() {
    let stage = OcisFixture::new().await;
    let space = stage.space().await;
    stage.edit(&space.id, |space| space.quota = 0);
    assert_eq!(stage.files.space(&context(), &space.id).await.unwrap().unwrap().quota, None);
    stage.edit(&space.id, |space| (space.quota, space.used) = (1_000, 200_000));
    let full = stage.files.space(&context(), &space.id).await.unwrap().unwrap();
    assert_eq!((full.quota, full.used), (Some(1_000), Some(200_000)));
}

#[tokio::test]
async fn a_disabled_space_can_be_changed() {
    let stage = OcisFixture::new().await;
    let space = stage.space().await;
    stage.files.disable_space(&context(), &space.id).await.unwrap();
    let change = SpaceChange { name: Some("Acme AG".to_owned()), quota: Some(QUOTA / 2) };
    stage.files.update_space(&context(), &space.id, &change).await.unwrap();
    let record = stage.record(&space.id);
    assert_eq!((record.name.as_str(), record.quota, record.trashed), ("Acme AG", (QUOTA / 2) as i64, true));
}

#[tokio::test]
async fn a_personal_space_is_no_tenants() {
    let stage = OcisFixture::new().await;
    // The first request of the account makes its personal space, which has the account's id.
    stage.files.check(&context()).await.unwrap();
    let admin = stage.space().await;
    let owner = stage.record(&admin.id).members[0].person().unwrap().to_owned();
    let storage = admin.id.split_once('$').unwrap().0.to_owned();
    let why = failure(stage.files.space(&context(), &format!("{storage}${owner}")).await, "Rejected");
    assert!(why.contains("type `personal`"), "{why}");
}

#[tokio::test]
async fn lists_end_at_a_bound() {
    let stage = OcisFixture::new().await;
    for number in 0..10_000 {
        stage.system().add_space(&format!("space {number}"), None).unwrap();
    }
    assert!(stage.files.spaces_of(&context(), stage.tenant).await.unwrap().is_empty());
    stage.system().add_space("one more", Some(&format!("dezky:tenant:{}", stage.tenant))).unwrap();
    let why = failure(stage.files.spaces_of(&context(), stage.tenant).await, "Incompatible");
    assert!(why.contains("10000 spaces"), "{why}");
}

#[tokio::test]
async fn an_id_reaches_no_other_path() {
    let stage = OcisFixture::new().await;
    for id in ["", ".", "..", "a\nb"] {
        failure(stage.files.space(&context(), id).await, "Rejected");
        failure(stage.files.purge_space(&context(), id).await, "Rejected");
    }
    assert_eq!(stage.files.space(&context(), "../groups").await.unwrap(), None);
    assert!(stage.emulator.take_log().iter().any(|(_, path)| path == "/graph/v1.0/drives/..%2Fgroups"));
}
