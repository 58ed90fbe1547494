//! Answers that are lost, late, or about something else: the same change again leads to one object.

use std::time::Duration;

use dezky::{
    connectors::{Files as _, SpaceChange},
    context::RequestContext,
    emulators::{EmulatorOptions, Fault, Faults, ocis::SpaceRole},
};

use crate::stage::{OcisFixture, client, context, failure, secret, wait_of};

const ALL: [Fault; 7] = [
    Fault::ErrorBefore,
    Fault::ErrorAfter,
    Fault::ResetBefore,
    Fault::ResetAfter,
    Fault::Cut,
    Fault::RateLimit,
    Fault::Expired,
];

fn reason(fault: Fault) -> &'static str {
    if fault == Fault::Expired { "Unauthorized" } else { "Unavailable" }
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_found_by_its_marker() {
    for fault in ALL {
        let stage = OcisFixture::new().await;
        stage.fault(Some(fault));
        failure(stage.files.create_space(&context(), &stage.new_space()).await, reason(fault));
        stage.fault(None);
        let created = matches!(fault, Fault::ErrorAfter | Fault::ResetAfter | Fault::Cut);
        let found = stage.files.spaces_of(&context(), stage.tenant).await.unwrap();
        assert_eq!(found.len(), usize::from(created), "{fault:?}");
        if found.is_empty() {
            stage.space().await;
        }
        assert_eq!(stage.files.spaces_of(&context(), stage.tenant).await.unwrap().len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn after_a_creation_of_unknown_outcome_time_is_left_for_it() {
    let stage = OcisFixture::new().await;
    for fault in ALL.into_iter().filter(|fault| *fault != Fault::Expired) {
        stage.fault(Some(fault));
        let wait = wait_of(stage.files.create_space(&context(), &stage.new_space()).await);
        assert_eq!(wait, Some(Duration::from_secs(15)), "{fault:?}");
    }
    stage.emulator.set_faults(Faults { latency: Duration::from_secs(60), ..Faults::default() });
    let short = RequestContext::within("short", Duration::from_millis(60));
    assert_eq!(wait_of(stage.files.create_space(&short, &stage.new_space()).await), Some(Duration::from_secs(15)));
}

#[tokio::test]
async fn a_rate_limit_is_told_with_its_time() {
    let stage = OcisFixture::new().await;
    let space = stage.space().await;
    stage.fault(Some(Fault::RateLimit));
    assert_eq!(wait_of(stage.files.space(&context(), &space.id).await), Some(Duration::from_secs(1)));
}

#[tokio::test]
async fn each_change_is_repeated_after_each_fault() {
    for fault in ALL {
        let stage = OcisFixture::new().await;
        let space = stage.space().await;
        let (files, context, id) = (&stage.files, context(), space.id.as_str());
        let change = SpaceChange { name: Some("Acme AG".to_owned()), quota: Some(5) };
        stage.fault(Some(fault));
        failure(files.update_space(&context, id, &change).await, reason(fault));
        stage.fault(None);
        files.update_space(&context, id, &change).await.unwrap();
        // An answer without a body cannot be cut.
        let failed = |outcome| match fault {
            Fault::Cut => {}
            _ => drop(failure(outcome, reason(fault))),
        };
        stage.fault(Some(fault));
        failed(files.disable_space(&context, id).await);
        stage.fault(None);
        files.disable_space(&context, id).await.unwrap();
        stage.fault(Some(fault));
        failure(files.restore_space(&context, id).await, reason(fault));
        stage.fault(None);
        files.restore_space(&context, id).await.unwrap();
        assert_eq!(
            (stage.record(id).name.as_str(), stage.record(id).quota, stage.record(id).trashed),
            ("Acme AG", 5, false)
        );
        files.disable_space(&context, id).await.unwrap();
        stage.fault(Some(fault));
        failure(files.purge_space(&context, id).await, reason(fault));
        stage.fault(None);
        files.purge_space(&context, id).await.unwrap();
        assert!(stage.system().spaces().is_empty());
    }
}

#[tokio::test]
async fn grants_converge_under_random_faults() {
    for seed in 0..12 {
        let stage = OcisFixture::new().await;
        let (space, group) = stage.space_and_group().await;
        stage.emulator.set_faults(Faults { share: 0.4, seed, ..Faults::default() });
        let (context, grant) = (context(), format!("g:{group}"));
        let mut tries = 0;
        while stage.files.grant(&context, &space.id, &group).await.is_err() {
            tries += 1;
            assert!(tries < 500, "seed {seed}");
        }
        assert_eq!(stage.role_of(&space.id, &group), Some(SpaceRole::Editor), "seed {seed}");
        assert_eq!(stage.record(&space.id).members.len(), 2, "seed {seed}");
        while stage.files.revoke(&context, &space.id, &grant).await.is_err() {
            tries += 1;
            assert!(tries < 500, "seed {seed}");
        }
        assert_eq!(stage.record(&space.id).members.len(), 1, "seed {seed}");
    }
}

#[tokio::test]
async fn a_refused_credential_after_a_failed_connection_is_a_start() {
    let stage = OcisFixture::new().await;
    stage.files.check(&context()).await.unwrap();
    stage.fault(Some(Fault::ResetBefore));
    failure(stage.files.check(&context()).await, "Unavailable");
    stage.fault(None);
    stage.system().set_starting(true);
    // `/status.php` answers before credentials are accepted.
    let why = failure(stage.files.check(&context()).await, "Unavailable");
    assert!(why.contains("just started"), "{why}");
    let why = failure(stage.files.space(&context(), "a$b").await, "Unavailable");
    assert!(why.contains("just started"), "{why}");
    stage.system().set_starting(false);
    stage.files.check(&context()).await.unwrap();
    // Without a failed connection it is the credential.
    stage.system().set_password("admin", "another-password");
    let why = failure(stage.files.check(&context()).await, "Unauthorized");
    assert!(why.contains("app token"), "{why}");
}

#[tokio::test]
async fn a_gateway_that_finds_nothing_is_no_absence() {
    let stage = OcisFixture::new().await;
    stage.space().await;
    // Below another path everything is `404 page not found` in plain text, as a proxy without a backend answers.
    let elsewhere = client(&format!("{}/elsewhere", stage.emulator.url()), secret());
    let why = failure(elsewhere.space(&context(), "a$b").await, "Unavailable");
    assert!(why.contains("Check the URL"), "{why}");
    failure(elsewhere.spaces_of(&context(), stage.tenant).await, "Unavailable");
    failure(elsewhere.purge_space(&context(), "a$b").await, "Unavailable");
    failure(elsewhere.group_named(&context(), "acme").await, "Unavailable");
    failure(elsewhere.check(&context()).await, "Unavailable");
}

#[tokio::test]
async fn a_list_that_is_late_shows_the_space_in_the_end() {
    let late = Faults { listing_delay: Duration::from_secs(3_600), ..Faults::default() };
    let stage = OcisFixture::with(EmulatorOptions { faults: late, ..EmulatorOptions::default() }).await;
    let space = stage.space().await;
    assert!(stage.files.spaces_of(&context(), stage.tenant).await.unwrap().is_empty());
    assert_eq!(stage.files.space(&context(), &space.id).await.unwrap(), Some(space.clone()));
    stage.fault(None);
    assert_eq!(stage.files.spaces_of(&context(), stage.tenant).await.unwrap(), [space]);
}
