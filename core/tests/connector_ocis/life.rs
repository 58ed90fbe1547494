//! The life of a tenant's space, and the rule that each change may be done twice.

use dezky::connectors::{Files as _, SpaceChange, SpaceState};

use crate::stage::{OcisFixture, QUOTA, context, failure};

#[tokio::test]
async fn a_space_lives_from_creation_to_purging() {
    let stage = OcisFixture::new().await;
    let (files, tenant, context) = (&stage.files, stage.tenant, context());
    assert!(files.spaces_of(&context, tenant).await.unwrap().is_empty());
    assert_eq!(files.group_named(&context, "acme").await.unwrap(), None);
    let group = stage.system().add_group("acme").unwrap();
    assert_eq!(files.group_named(&context, "acme").await.unwrap(), Some(group.clone()));

    let space = files.create_space(&context, &stage.new_space()).await.unwrap();
    assert_eq!((space.name.as_str(), space.tenant), ("Acme GmbH", Some(tenant)));
    assert_eq!((space.quota, space.used, space.state), (Some(QUOTA), Some(0), SpaceState::Enabled));
    assert_eq!(files.space(&context, &space.id).await.unwrap().as_ref(), Some(&space));
    assert_eq!(files.spaces_of(&context, tenant).await.unwrap(), std::slice::from_ref(&space));

    files.grant(&context, &space.id, &group).await.unwrap();
    let grants = stage.grants(&space.id).await;
    let own = grants.iter().find(|grant| grant.group.as_deref() == Some(group.as_str())).unwrap();
    assert!(own.editor);
    let manager = grants.iter().find(|grant| grant.group.is_none()).unwrap();
    assert!(!manager.editor && grants.len() == 2);

    let change = SpaceChange { name: Some("Acme AG".to_owned()), quota: Some(2 * QUOTA) };
    files.update_space(&context, &space.id, &change).await.unwrap();
    let changed = files.space(&context, &space.id).await.unwrap().unwrap();
    assert_eq!((changed.name.as_str(), changed.quota), ("Acme AG", Some(2 * QUOTA)));

    files.disable_space(&context, &space.id).await.unwrap();
    let disabled = files.space(&context, &space.id).await.unwrap().unwrap();
    assert_eq!((disabled.state, disabled.quota, disabled.used), (SpaceState::Disabled, Some(2 * QUOTA), None));
    assert_eq!(files.spaces_of(&context, tenant).await.unwrap(), [disabled]);
    files.restore_space(&context, &space.id).await.unwrap();
    assert_eq!(files.space(&context, &space.id).await.unwrap().unwrap().state, SpaceState::Enabled);

    files.revoke(&context, &space.id, &own.id).await.unwrap();
    assert_eq!(stage.grants(&space.id).await.len(), 1);
    files.disable_space(&context, &space.id).await.unwrap();
    files.purge_space(&context, &space.id).await.unwrap();
    assert_eq!(files.space(&context, &space.id).await.unwrap(), None);
    assert!(stage.system().spaces().is_empty());
}

#[tokio::test]
async fn each_change_may_be_done_twice() {
    let stage = OcisFixture::new().await;
    let (space, group) = stage.space_and_group().await;
    let (files, context, id) = (&stage.files, context(), space.id.as_str());
    let change = SpaceChange { name: Some("Acme AG".to_owned()), quota: Some(5) };
    for _ in 0..2 {
        files.update_space(&context, id, &change).await.unwrap();
    }
    for _ in 0..2 {
        files.grant(&context, id, &group).await.unwrap();
    }
    assert_eq!(stage.record(id).members.len(), 2);
    let grant = format!("g:{group}");
    for _ in 0..2 {
        files.revoke(&context, id, &grant).await.unwrap();
    }
    assert_eq!(stage.record(id).members.len(), 1);
    for _ in 0..2 {
        files.disable_space(&context, id).await.unwrap();
    }
    assert!(stage.record(id).trashed);
    for _ in 0..2 {
        files.restore_space(&context, id).await.unwrap();
    }
    assert!(!stage.record(id).trashed);
    files.disable_space(&context, id).await.unwrap();
    for _ in 0..2 {
        files.purge_space(&context, id).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_as_wanted_is_not_changed() {
    let stage = OcisFixture::new().await;
    let (space, group) = stage.space_and_group().await;
    stage.files.grant(&context(), &space.id, &group).await.unwrap();
    stage.changes();
    stage.files.grant(&context(), &space.id, &group).await.unwrap();
    stage.files.revoke(&context(), &space.id, "g:absent").await.unwrap();
    stage.files.update_space(&context(), &space.id, &SpaceChange::default()).await.unwrap();
    stage.files.space(&context(), &space.id).await.unwrap();
    stage.files.spaces_of(&context(), stage.tenant).await.unwrap();
    assert!(stage.changes().is_empty());
}

#[tokio::test]
async fn an_enabled_space_is_not_purged() {
    let stage = OcisFixture::new().await;
    let space = stage.space().await;
    let why = failure(stage.files.purge_space(&context(), &space.id).await, "Rejected");
    assert!(why.contains("disabled first"), "{why}");
    assert!(stage.files.space(&context(), &space.id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_change_of_a_space_that_is_gone_says_so() {
    let stage = OcisFixture::new().await;
    let space = stage.space().await;
    stage.system().remove_space(&space.id);
    let (files, context, id) = (&stage.files, context(), space.id.as_str());
    let change = SpaceChange { quota: Some(5), ..SpaceChange::default() };
    for outcome in [
        files.update_space(&context, id, &change).await,
        files.disable_space(&context, id).await,
        files.restore_space(&context, id).await,
        files.grant(&context, id, "group").await,
        files.revoke(&context, id, "g:group").await,
    ] {
        let why = failure(outcome, "Rejected");
        assert!(why.contains("does not exist any more"), "{why}");
    }
    failure(files.grants(&context, id).await, "Rejected");
}

#[tokio::test]
async fn a_purge_and_a_restoration_whose_header_was_removed_are_seen() {
    let stage = OcisFixture::new().await;
    let space = stage.space().await;
    stage.files.disable_space(&context(), &space.id).await.unwrap();
    stage.system().remove_headers();
    let why = failure(stage.files.purge_space(&context(), &space.id).await, "Incompatible");
    assert!(why.contains("`Purge`"), "{why}");
    let why = failure(stage.files.restore_space(&context(), &space.id).await, "Incompatible");
    assert!(why.contains("`Restore`"), "{why}");
}
