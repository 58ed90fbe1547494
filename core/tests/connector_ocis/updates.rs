//! An update of the system that renames a member: an error names it, and nothing is taken for success.

use dezky::{
    connectors::{ConnectorResult, Files as _, SpaceChange},
    emulators::ocis::SpaceRole,
};

use crate::stage::{OcisFixture, context, failure};

fn names<T: std::fmt::Debug>(outcome: ConnectorResult<T>, member: &str) {
    let why = failure(outcome, "Incompatible");
    assert!(why.contains(&format!("`{member}`")), "`{member}` is not named: {why}");
}

#[tokio::test]
async fn renamed_members_of_spaces_are_named() {
    for (member, named) in [
        ("id", "id"),
        ("name", "name"),
        ("driveType", "driveType"),
        ("quota", "quota"),
        ("total", "quota.total"),
        ("root", "root"),
    ] {
        let stage = OcisFixture::new().await;
        let space = stage.space().await;
        stage.system().rename_member(member, "renamed");
        let (files, context, id) = (&stage.files, context(), space.id.as_str());
        names(files.space(&context, id).await, named);
        names(files.spaces_of(&context, stage.tenant).await, named);
        names(files.create_space(&context, &stage.new_space()).await, named);
        let change = SpaceChange { name: Some("Acme AG".to_owned()), quota: Some(5) };
        if member != "id" {
            names(files.update_space(&context, id, &change).await, named);
            names(files.restore_space(&context, id).await, named);
        }
    }
}

#[tokio::test]
async fn a_lost_marker_makes_one_space_and_not_one_each_time() {
    let stage = OcisFixture::new().await;
    stage.system().rename_member("description", "text");
    for _ in 0..3 {
        assert!(stage.files.spaces_of(&context(), stage.tenant).await.unwrap().is_empty());
        names(stage.files.create_space(&context(), &stage.new_space()).await, "description");
    }
    assert_eq!(stage.system().spaces().len(), 1);
}

#[tokio::test]
async fn renamed_members_of_lists_are_named() {
    let stage = OcisFixture::new().await;
    let (space, group) = stage.space_and_group().await;
    stage.system().rename_member("value", "entries");
    let (files, context, id) = (&stage.files, context(), space.id.as_str());
    names(files.spaces_of(&context, stage.tenant).await, "value");
    names(files.space(&context, "absent$absent").await, "value");
    names(files.grants(&context, id).await, "value");
    names(files.grant(&context, id, &group).await, "value");
    names(files.revoke(&context, id, "g:x").await, "value");
    names(files.group_named(&context, "another").await, "value");
}

#[tokio::test]
async fn renamed_members_of_grants_are_named() {
    for member in ["grantedToV2", "roles", "id"] {
        let stage = OcisFixture::new().await;
        let (space, group) = stage.space_and_group().await;
        stage.files.grant(&context(), &space.id, &group).await.unwrap();
        stage.changes();
        stage.system().rename_member(member, "renamed");
        names(stage.files.grants(&context(), &space.id).await, member);
        names(stage.files.grant(&context(), &space.id, &group).await, member);
        names(stage.files.revoke(&context(), &space.id, &format!("g:{group}")).await, member);
        assert!(stage.changes().is_empty());
    }
}

#[tokio::test]
async fn renamed_members_of_a_disabled_space_are_named() {
    for (member, named) in [("permissions", "root.permissions"), ("grantedToV2", "grantedToV2")] {
        let stage = OcisFixture::new().await;
        let space = stage.space().await;
        stage.files.disable_space(&context(), &space.id).await.unwrap();
        stage.system().rename_member(member, "renamed");
        names(stage.files.grants(&context(), &space.id).await, named);
    }
}

#[tokio::test]
async fn renamed_members_of_groups_are_named() {
    for member in ["displayName", "id"] {
        let stage = OcisFixture::new().await;
        stage.system().add_group("acme").unwrap();
        stage.system().rename_member(member, "renamed");
        names(stage.files.group_named(&context(), "acme").await, member);
    }
}

#[tokio::test]
async fn renamed_members_of_the_diagnosis_are_named() {
    for member in ["product", "productversion", "id"] {
        let stage = OcisFixture::new().await;
        stage.system().rename_member(member, "renamed");
        names(stage.files.check(&context()).await, member);
    }
}

#[tokio::test]
async fn a_refusal_of_another_form_is_no_absence() {
    for member in ["error", "code"] {
        let stage = OcisFixture::new().await;
        stage.system().rename_member(member, "renamed");
        failure(stage.files.space(&context(), "a$b").await, "Unavailable");
        failure(stage.files.purge_space(&context(), "a$b").await, "Unavailable");
    }
}

#[tokio::test]
async fn a_broken_grant_of_somebody_else_is_passed_over() {
    let stage = OcisFixture::new().await;
    let (space, group) = stage.space_and_group().await;
    // A permission whose holder is of neither kind.
    stage.add_member(&space.id, "x:odd", SpaceRole::Viewer, None);
    stage.files.grant(&context(), &space.id, &group).await.unwrap();
    assert!(stage.grants(&space.id).await.iter().any(|grant| grant.editor));
}
