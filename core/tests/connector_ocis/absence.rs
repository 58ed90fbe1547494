//! Nothing is said to be absent that may only be out of sight: a second space would be made of it.

use dezky::{
    connectors::Files as _,
    emulators::ocis::{AppRole, SpaceRole},
};

use crate::stage::{OcisFixture, context, failure};

#[tokio::test]
async fn a_lack_of_rights_is_no_absence() {
    let stage = OcisFixture::new().await;
    let space = stage.space().await;
    stage.throw_out_the_account(&space.id);
    stage.lower_rights();
    let (files, context, id) = (&stage.files, context(), space.id.as_str());
    failure(files.space(&context, id).await, "Unauthorized");
    let why = failure(files.spaces_of(&context, stage.tenant).await, "Unauthorized");
    assert!(why.contains("Space Admin"), "{why}");
    failure(files.disable_space(&context, id).await, "Unauthorized");
    failure(files.restore_space(&context, id).await, "Unauthorized");
    failure(files.purge_space(&context, id).await, "Unauthorized");
    failure(files.grants(&context, id).await, "Unauthorized");
    failure(files.grant(&context, id, "group").await, "Unauthorized");
    failure(files.revoke(&context, id, "g:group").await, "Unauthorized");
    assert_eq!(stage.system().spaces().len(), 1);
}

#[tokio::test]
async fn a_space_that_may_be_seen_but_not_changed_is_not_purged_for_gone() {
    let stage = OcisFixture::new().await;
    let space = stage.space().await;
    stage.files.disable_space(&context(), &space.id).await.unwrap();
    stage.edit(&space.id, |space| {
        space.trashed = false;
        space.members[0].role = SpaceRole::Viewer;
    });
    stage.lower_rights();
    let why = failure(stage.files.purge_space(&context(), &space.id).await, "Unauthorized");
    assert!(why.contains("may not change it"), "{why}");
    failure(stage.files.disable_space(&context(), &space.id).await, "Unauthorized");
}

#[tokio::test]
async fn the_role_of_a_space_admin_suffices_for_spaces() {
    let stage = OcisFixture::new().await;
    stage.system().set_app_role("admin", AppRole::SpaceAdmin);
    let (space, group) = stage.space_and_group().await;
    let (files, context, id) = (&stage.files, context(), space.id.as_str());
    assert_eq!(files.group_named(&context, "acme").await.unwrap(), Some(group.clone()));
    files.grant(&context, id, &group).await.unwrap();
    files.disable_space(&context, id).await.unwrap();
    files.purge_space(&context, id).await.unwrap();
    assert_eq!(files.space(&context, id).await.unwrap(), None);
}

#[tokio::test]
async fn a_storage_that_is_down_is_no_absence() {
    let stage = OcisFixture::new().await;
    let space = stage.space().await;
    stage.system().stop_storage(u64::MAX);
    let why = failure(stage.files.space(&context(), &space.id).await, "Unavailable");
    assert!(why.contains("storage service"), "{why}");
    failure(stage.files.spaces_of(&context(), stage.tenant).await, "Unavailable");
    failure(stage.files.purge_space(&context(), &space.id).await, "Unavailable");
    stage.system().stop_storage(0);
    assert_eq!(stage.files.space(&context(), &space.id).await.unwrap(), Some(space));
}

#[tokio::test]
async fn a_storage_that_comes_up_meanwhile_is_looked_at_again() {
    let stage = OcisFixture::new().await;
    let space = stage.space().await;
    stage.system().stop_storage(1);
    assert_eq!(stage.files.space(&context(), &space.id).await.unwrap(), Some(space.clone()));
    stage.system().stop_storage(1);
    assert_eq!(stage.files.spaces_of(&context(), stage.tenant).await.unwrap(), [space]);
}

#[tokio::test]
async fn looking_at_rights_makes_no_space() {
    let stage = OcisFixture::new().await;
    assert!(stage.files.spaces_of(&context(), stage.tenant).await.unwrap().is_empty());
    assert_eq!(stage.files.space(&context(), "nope$nope").await.unwrap(), None);
    assert!(stage.system().spaces().is_empty());
}
