//! What becomes of the mail of an invitation.

use std::{sync::Arc, time::Duration};

use dezky::{
    domain::{CreateInvitation, InvitationStatus, UpdateTenant},
    emulators::smtp::SmtpFault,
    mail::bounce::Returned,
    store::SharedStore,
    work::{Driver, Task, invitations::bounce_key},
};
use serde_json::json;

use crate::{
    support::{on_every_store, system},
    world::{World, mail, secret},
};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

on_every_store! {
    a_mail_says_who_invites_in_two_languages_and_two_forms,
    a_refused_mail_shows_with_its_reason,
    a_mail_that_has_to_wait_is_tried_again_with_another_secret,
    a_worker_that_ends_while_sending_loses_no_invitation,
    two_workers_send_one_mail,
    what_is_revoked_while_it_is_sent_stays_revoked,
    mail_that_comes_back_shows,
    nobody_is_mailed_too_often,
    a_suspended_tenant_mails_nothing_and_a_deleted_one_never,
    many_are_invited_line_by_line,
    the_driver_mails_by_itself,
}

async fn a_mail_says_who_invites_in_two_languages_and_two_forms(store: SharedStore) {
    let world = World::on(store).await;
    let branding = json!({
        "name": "Acme & Söhne <GmbH>",
        "branding": {"logoUrl": "https://acme.eu/logo.png", "primaryColor": "#ffee00"}
    });
    let branding = UpdateTenant::read(branding).unwrap();
    world.service.update_tenant(&system(), &world.acme.into(), branding).await.unwrap();
    world.invite_as("adam", json!({"email": "sam@bücher.eu", "name": "Sam \"S\" O'Neill", "language": "de"})).await;
    let german = world.deliver().await.remove(0);
    assert_eq!(german.to, ["sam@xn--bcher-kva.eu"]);
    assert!(german.from.starts_with("bounces+") && german.from.ends_with("@bounces.dezky.eu"), "{}", german.from);
    assert_eq!(german.header("Auto-Submitted").as_deref(), Some("auto-generated"));
    assert!(german.header("Message-ID").unwrap().ends_with("@dezky.eu>"));
    assert!(german.header("Date").is_some());
    assert!(german.header("From").unwrap().contains("<dezky@dezky.eu>"));
    let text = german.part("text/plain").unwrap();
    assert!(text.contains("Guten Tag Sam \"S\" O'Neill,") && text.contains("Acme & Söhne <GmbH> lädt Sie"), "{text}");
    let html = german.part("text/html").unwrap();
    assert!(
        html.contains("Acme &amp; Söhne &lt;GmbH&gt;") && html.contains("src=\"https://acme.eu/logo.png\""),
        "{html}"
    );
    assert!(html.contains("background:#ffee00;color:#000000"), "dark text on a light button: {html}");
    assert!(html.contains(&secret(&german)));
    world.invite("kim@elsewhere.eu").await;
    let english = world.deliver().await.remove(1);
    assert!(english.part("text/plain").unwrap().starts_with("Hello,"));
    assert!(!format!("{english:?}").contains("adam"), "nobody's name goes out but the tenant's");
}

async fn a_refused_mail_shows_with_its_reason(store: SharedStore) {
    let world = World::on(store).await;
    world.sink.set_fault(Some(SmtpFault::RefuseReceiver));
    let invited = world.invite("sam@elsewhere.eu").await;
    world.deliver().await;
    let shown = world.service.read_invitation(&world.by("adam"), &world.acme.into(), invited.id).await.unwrap();
    assert_eq!(shown.status, InvitationStatus::Failed);
    assert_eq!(shown.failure.as_deref(), Some("550 5.1.1 no such user here"));
    assert_eq!(shown.attempts, 1);
    // It is not tried again by itself, and by hand.
    world.clock.advance(DAY);
    world.sink.set_fault(None);
    assert!(world.deliver().await.is_empty());
    world.service.resend_invitation(&world.by("adam"), &world.acme.into(), invited.id).await.unwrap();
    assert_eq!(world.deliver().await.len(), 1);
    let stored = world.stored(invited.id).await;
    assert_eq!((stored.status, stored.failure), (InvitationStatus::Sent, None));
}

async fn a_mail_that_has_to_wait_is_tried_again_with_another_secret(store: SharedStore) {
    let world = World::on(store).await;
    let invited = world.invite("sam@elsewhere.eu").await;
    let mut hashes = std::collections::BTreeSet::new();
    for fault in [SmtpFault::Later, SmtpFault::Closed, SmtpFault::Cut] {
        world.sink.set_fault(Some(fault));
        world.deliver().await;
        let stored = world.stored(invited.id).await;
        assert_eq!(stored.status, InvitationStatus::Pending, "{fault:?}");
        assert!(stored.failure.is_some(), "{fault:?}");
        hashes.insert(stored.secret_hash.unwrap());
        world.clock.advance(10 * MINUTE);
    }
    world.sink.set_fault(None);
    let mails = world.deliver().await;
    hashes.insert(world.stored(invited.id).await.secret_hash.unwrap());
    assert_eq!(hashes.len(), 4);
    // The mail that was cut off may have arrived; its link leads nowhere, and that of the last one does.
    let secrets: Vec<String> = mails.iter().map(secret).collect();
    assert_eq!(secrets.len(), 2);
    assert_eq!(world.refusal("sam", &secrets[0]).await, "invitation_not_found");
    assert_eq!(world.refusal("sam", &secrets[1]).await, "");
}

async fn a_worker_that_ends_while_sending_loses_no_invitation(store: SharedStore) {
    let world = World::on(store).await;
    let invited = world.invite("sam@elsewhere.eu").await;
    world.sink.set_fault(Some(SmtpFault::Silent));
    {
        let ends = world.mail.run_due(&world.service);
        let sent = world.sink.until(1);
        // The worker is gone once the mail server has the mail and has not said so.
        tokio::select! {
            _ = ends => panic!("the mail server never answers"),
            _ = sent => {}
        }
    }
    assert_eq!(world.stored(invited.id).await.status, InvitationStatus::Pending);
    world.sink.set_fault(None);
    assert_eq!(world.deliver().await.len(), 1, "its claim has not run out");
    world.clock.advance(6 * MINUTE);
    let mails = world.deliver().await;
    assert_eq!(mails.len(), 2);
    assert_eq!(world.refusal("sam", &secret(&mails[0])).await, "invitation_not_found");
    assert_eq!(world.refusal("sam", &secret(&mails[1])).await, "");
}

async fn two_workers_send_one_mail(store: SharedStore) {
    let world = World::on(store).await;
    for number in 0..5 {
        world.invite(&format!("person-{number}@elsewhere.eu")).await;
    }
    let other = mail(&world.sink, None);
    let (first, second) = futures_util::join!(world.mail.run_due(&world.service), other.run_due(&world.service));
    first.unwrap();
    second.unwrap();
    let mut to: Vec<String> = world.sink.delivered().into_iter().flat_map(|mail| mail.to).collect();
    to.sort();
    to.dedup();
    assert_eq!((to.len(), world.sink.delivered().len()), (5, 5));
}

async fn what_is_revoked_while_it_is_sent_stays_revoked(store: SharedStore) {
    let world = World::on(store).await;
    let invited = world.invite("sam@elsewhere.eu").await;
    world.sink.set_fault(Some(SmtpFault::Silent));
    let revoked = async {
        world.sink.until(1).await;
        world.service.revoke_invitation(&world.by("olga"), &world.acme.into(), invited.id).await.unwrap();
    };
    tokio::select! {
        _ = world.mail.run_due(&world.service) => panic!("the mail server never answers"),
        () = revoked => {}
    }
    world.sink.set_fault(None);
    world.clock.advance(DAY);
    let mails = world.deliver().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(world.stored(invited.id).await.status, InvitationStatus::Revoked);
    assert_eq!(world.refusal("sam", &secret(&mails[0])).await, "invitation_not_found");
}

async fn mail_that_comes_back_shows(store: SharedStore) {
    let world = World::on(store).await;
    let invited = world.invite("sam@elsewhere.eu").await;
    let mail = world.deliver().await.remove(0);
    let key = bounce_key(&world.service).await.unwrap();
    assert_eq!(key.read(&mail.from), Some(Returned { invitation: invited.id, attempt: 1 }));
    let report = format!(
        "To: {}\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Action: failed\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n--b--\r\n",
        mail.from
    );
    let bounce = key.bounce(report.as_bytes()).unwrap();
    let returned = bounce.returned;
    assert!(world.service.bounce_invitation(returned.invitation, returned.attempt, &bounce.reason).await.unwrap());
    let stored = world.stored(invited.id).await;
    assert_eq!((stored.status, stored.failure.as_deref()), (InvitationStatus::Failed, Some("550 5.1.1 no such user")));
    // A report of an earlier mail says nothing of a later one.
    world.service.resend_invitation(&world.by("adam"), &world.acme.into(), invited.id).await.unwrap();
    world.deliver().await;
    assert!(!world.service.bounce_invitation(invited.id, 1, "late").await.unwrap());
    assert_eq!(world.stored(invited.id).await.status, InvitationStatus::Sent);
}

async fn nobody_is_mailed_too_often(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.acme.into();
    let invited = world.invite("sam@elsewhere.eu").await;
    for _ in 1..5 {
        world.clock.advance(MINUTE);
        world.service.resend_invitation(&world.by("adam"), &acme, invited.id).await.unwrap();
    }
    let refused = world.service.resend_invitation(&world.by("adam"), &acme, invited.id).await.unwrap_err();
    assert_eq!(refused.code(), "invitation_limit_reached");
    world.clock.advance(DAY);
    world.service.resend_invitation(&world.by("adam"), &acme, invited.id).await.unwrap();
    // Neither by revoking and inviting again.
    for _ in 0..5 {
        let invited = world.invite("kim@elsewhere.eu").await;
        world.service.revoke_invitation(&world.by("adam"), &acme, invited.id).await.unwrap();
    }
    let input = CreateInvitation::read(json!({"email": "KIM@elsewhere.eu"})).unwrap();
    let refused = world.service.create_invitation(&world.by("adam"), &acme, input).await.unwrap_err();
    assert_eq!(refused.code(), "invitation_limit_reached");
}

async fn a_suspended_tenant_mails_nothing_and_a_deleted_one_never(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.acme.into();
    let invited = world.invite("sam@elsewhere.eu").await;
    world.service.suspend_tenant(&system(), &acme).await.unwrap();
    assert!(world.deliver().await.is_empty());
    world.service.restore_tenant(&system(), &acme).await.unwrap();
    world.clock.advance(61 * MINUTE);
    let secret = world.secret().await;
    world.service.suspend_tenant(&system(), &acme).await.unwrap();
    assert_eq!(world.refusal("sam", &secret).await, "tenant_suspended");
    world.service.delete_tenant(&system(), &acme).await.unwrap();
    assert_eq!(world.refusal("sam", &secret).await, "invitation_not_found");
    world.clock.advance(14 * DAY);
    world.deliver().await;
    assert_eq!(world.stored(invited.id).await.status, InvitationStatus::Revoked);
}

async fn many_are_invited_line_by_line(store: SharedStore) {
    let world = World::on(store).await;
    world.invite("there@elsewhere.eu").await;
    let mia = dezky::domain::UpdateUser::read(json!({"email": "mia@elsewhere.eu"})).unwrap();
    world.service.update_user(&system(), world.mia, mia).await.unwrap();
    dezky::work::catch_up(&world.service).await.unwrap();
    let lines = vec![
        json!({"email": "one@elsewhere.eu"}),
        json!({"email": "THERE@elsewhere.eu"}),
        json!({"email": "Mia@elsewhere.eu"}),
        json!({"email": "nowhere"}),
        json!({"email": "boss@elsewhere.eu", "role": "owner"}),
        json!({"email": "one@elsewhere.eu"}),
    ];
    let mut call = world.by("adam");
    call.idempotency = Some(dezky::service::IdempotencyRequest {
        key: "k".to_owned(),
        target: "bulk".to_owned(),
        body: b"lines".to_vec(),
    });
    let answer = world.service.create_invitations(&call, &world.acme.into(), lines.clone()).await.unwrap();
    let outcomes: Vec<_> =
        answer.value.lines.iter().map(|line| (line.line, line.outcome, line.code.as_deref())).collect();
    use dezky::service::invitations::BulkOutcome::{AlreadyInvited, AlreadyMember, Created, Invalid};
    assert_eq!(
        outcomes,
        [
            (1, Created, None),
            (2, AlreadyInvited, Some("already_invited")),
            (3, AlreadyMember, Some("already_member")),
            (4, Invalid, Some("invalid_email")),
            (5, Invalid, Some("owner_required")),
            (6, AlreadyInvited, Some("already_invited")),
        ]
    );
    let again = world.service.create_invitations(&call, &world.acme.into(), lines).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.value, answer.value);
    let refused = world.service.create_invitations(&world.by("mia"), &world.acme.into(), Vec::new()).await.unwrap_err();
    assert_eq!(refused.code(), "role_insufficient");
}

async fn the_driver_mails_by_itself(store: SharedStore) {
    let World { service, sink, mail, acme, .. } = World::on(store).await;
    let service = Arc::new(service);
    let driver = Driver::start(&service, vec![Task::invitations(Arc::new(mail))]);
    let input = CreateInvitation::read(json!({"email": "sam@elsewhere.eu"})).unwrap();
    let invited = service.create_invitation(&system(), &acme.into(), input).await.unwrap().value;
    sink.until(1).await;
    driver.statuses().until(Task::INVITATIONS, |status| status.succeeded > 0).await.unwrap();
    let shown = service.read_invitation(&system(), &acme.into(), invited.id).await.unwrap();
    assert_eq!((shown.status, shown.invited_by), (InvitationStatus::Sent, None));
    driver.stop().await;
}
