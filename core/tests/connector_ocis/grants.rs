//! Traps of access: one writer for each space, answers of success that are none, errors that are success.

use dezky::{
    connectors::Files as _,
    context::RequestContext,
    emulators::{EmulatorOptions, Faults, ocis::SpaceRole},
};
use futures_util::future::join_all;
use http::Method;
use std::time::Duration;

use crate::stage::{OcisFixture, context, failure};

#[tokio::test]
async fn another_role_becomes_editor() {
    for role in [SpaceRole::Viewer, SpaceRole::Manager] {
        let stage = OcisFixture::new().await;
        let (space, group) = stage.space_and_group().await;
        stage.add_member(&space.id, &format!("g:{group}"), role, None);
        let held = stage.grants(&space.id).await;
        assert!(held.iter().all(|grant| !grant.editor), "{held:?}");
        stage.changes();
        stage.files.grant(&context(), &space.id, &group).await.unwrap();
        assert_eq!(stage.role_of(&space.id, &group), Some(SpaceRole::Editor));
        let methods: Vec<_> = stage.changes().into_iter().map(|(method, _)| method).collect();
        assert_eq!(methods, [Method::PATCH]);
    }
}

#[tokio::test]
async fn an_access_that_ends_is_given_anew() {
    let stage = OcisFixture::new().await;
    let (space, group) = stage.space_and_group().await;
    stage.add_member(&space.id, &format!("g:{group}"), SpaceRole::Editor, Some("2099-12-31T00:00:00Z"));
    assert!(stage.grants(&space.id).await.iter().all(|grant| !grant.editor));
    stage.files.grant(&context(), &space.id, &group).await.unwrap();
    let member = stage.record(&space.id).members.into_iter().find(|member| member.group().is_some()).unwrap();
    assert_eq!((member.role, member.expires), (SpaceRole::Editor, None));
}

#[tokio::test]
async fn an_invitation_that_was_lost_is_repeated() {
    let stage = OcisFixture::new().await;
    let (space, group) = stage.space_and_group().await;
    stage.system().lose_invitations(2);
    stage.files.grant(&context(), &space.id, &group).await.unwrap();
    assert_eq!(stage.role_of(&space.id, &group), Some(SpaceRole::Editor));
    stage.system().lose_invitations(usize::MAX);
    let other = stage.system().add_group("other").unwrap();
    let why = failure(stage.files.grant(&context(), &space.id, &other).await, "Unavailable");
    assert!(why.contains("does not stay"), "{why}");
}

#[tokio::test]
async fn grants_of_one_space_are_given_one_after_the_other() {
    let slow = Faults { latency: Duration::from_millis(2), ..Faults::default() };
    let stage = OcisFixture::with(EmulatorOptions { faults: slow, ..EmulatorOptions::default() }).await;
    let space = stage.space().await;
    let groups: Vec<String> = (0..8).map(|number| stage.system().add_group(&format!("g{number}")).unwrap()).collect();
    stage.changes();
    let context = context();
    let given = join_all(groups.iter().map(|group| stage.files.grant(&context, &space.id, group))).await;
    assert!(given.iter().all(Result::is_ok), "{given:?}");
    // Each is read, given and read again before the next begins, so that nothing is given twice or in between.
    let log = stage.emulator.take_log();
    let methods: Vec<&str> = log.iter().map(|(method, _)| method.as_str()).collect();
    assert_eq!(methods, ["GET", "POST", "GET"].repeat(8));
    assert_eq!(stage.record(&space.id).members.len(), 9);
}

#[tokio::test]
async fn two_spaces_do_not_wait_for_each_other() {
    let slow = Faults { latency: Duration::from_millis(150), ..Faults::default() };
    let stage = OcisFixture::with(EmulatorOptions { faults: slow, ..EmulatorOptions::default() }).await;
    let (first, group) = stage.space_and_group().await;
    let second = stage.space().await;
    stage.changes();
    let context = context();
    let (one, two) =
        tokio::join!(stage.files.grant(&context, &first.id, &group), stage.files.grant(&context, &second.id, &group));
    one.unwrap();
    two.unwrap();
    let log = stage.emulator.take_log();
    // Both are asked about before either has answered.
    let of_the_first = log.iter().take(2).filter(|(_, path)| path.contains(&first.id[40..])).count();
    assert_eq!(of_the_first, 1, "{log:?}");
}

#[tokio::test]
async fn a_writer_waits_no_longer_than_its_deadline() {
    let slow = Faults { latency: Duration::from_millis(300), ..Faults::default() };
    let stage = OcisFixture::with(EmulatorOptions { faults: slow, ..EmulatorOptions::default() }).await;
    let (space, group) = stage.space_and_group().await;
    let (context, short) = (context(), RequestContext::within("short", Duration::from_millis(100)));
    let (given, late) =
        tokio::join!(stage.files.grant(&context, &space.id, &group), stage.files.revoke(&short, &space.id, "g:group"),);
    given.unwrap();
    let why = failure(late, "Unavailable");
    assert!(why.contains("another task"), "{why}");
}

#[tokio::test]
async fn an_error_of_the_server_about_an_absent_grant_is_success() {
    let stage = OcisFixture::new().await;
    let (space, group) = stage.space_and_group().await;
    stage.files.grant(&context(), &space.id, &group).await.unwrap();
    let grant = format!("g:{group}");
    stage.files.revoke(&context(), &space.id, &grant).await.unwrap();
    stage.changes();
    stage.files.revoke(&context(), &space.id, &grant).await.unwrap();
    assert!(stage.changes().is_empty(), "what is absent is not deleted");
}

#[tokio::test]
async fn the_last_manager_stays() {
    let stage = OcisFixture::new().await;
    let space = stage.space().await;
    let manager = stage.grants(&space.id).await.remove(0);
    let why = failure(stage.files.revoke(&context(), &space.id, &manager.id).await, "Unauthorized");
    assert!(why.contains("last"), "{why}");
}

#[tokio::test]
async fn grants_of_a_disabled_space_are_read_but_not_changed() {
    let stage = OcisFixture::new().await;
    let (space, group) = stage.space_and_group().await;
    stage.files.grant(&context(), &space.id, &group).await.unwrap();
    let enabled = stage.grants(&space.id).await;
    stage.files.disable_space(&context(), &space.id).await.unwrap();
    assert_eq!(stage.grants(&space.id).await, enabled);
    // What is as wanted needs no change.
    stage.files.grant(&context(), &space.id, &group).await.unwrap();
    stage.files.revoke(&context(), &space.id, "g:absent").await.unwrap();
    let why = failure(stage.files.revoke(&context(), &space.id, &format!("g:{group}")).await, "Rejected");
    assert!(why.contains("restore it"), "{why}");
    let other = stage.system().add_group("other").unwrap();
    failure(stage.files.grant(&context(), &space.id, &other).await, "Rejected");
}

#[tokio::test]
async fn grants_of_groups_that_are_gone_can_be_removed() {
    let stage = OcisFixture::new().await;
    let (space, group) = stage.space_and_group().await;
    stage.files.grant(&context(), &space.id, &group).await.unwrap();
    stage.system().remove_group("acme");
    let orphan = stage.grants(&space.id).await.into_iter().find(|grant| grant.group.is_some()).unwrap();
    assert_eq!(orphan.group.as_deref(), Some(group.as_str()));
    stage.files.revoke(&context(), &space.id, &orphan.id).await.unwrap();
    let why = failure(stage.files.grant(&context(), &space.id, &group).await, "Rejected");
    assert!(why.contains("does not know"), "{why}");
}

#[tokio::test]
async fn an_account_that_is_no_member_any_more_is_told_so() {
    let stage = OcisFixture::new().await;
    let (space, group) = stage.space_and_group().await;
    stage.throw_out_the_account(&space.id);
    let why = failure(stage.files.grant(&context(), &space.id, &group).await, "Unauthorized");
    assert!(why.contains("not a member"), "{why}");
    failure(stage.files.grants(&context(), &space.id).await, "Unauthorized");
}

#[tokio::test]
async fn an_account_that_manages_no_more_is_told_so() {
    let stage = OcisFixture::new().await;
    let (space, group) = stage.space_and_group().await;
    stage.edit(&space.id, |space| space.members[0].role = SpaceRole::Editor);
    let why = failure(stage.files.grant(&context(), &space.id, &group).await, "Unauthorized");
    assert!(why.contains("managers"), "{why}");
}
