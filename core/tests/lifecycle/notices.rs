//! Notices to the owners of a tenant: who is told what, and when.

use std::{sync::Arc, time::Duration};

use dezky::{
    clock::Clock as _,
    domain::{
        Language, Membership, MembershipRole, Notice, NoticeStatus, UpdateUser, UserId, Versioned as _, notice::NOTICES,
    },
    service::audit::AuditFilter,
    store::{Commit, Query, Repository as _, SharedStore},
    work::{Driver, MOST_ATTEMPTS, Task, catch_up, forget_expired},
};
use serde_json::json;

use super::{DAY, World, catalogue, mails::Fault, support};
use support::{grant, on_every_store, system};

const MINUTE: Duration = Duration::from_secs(60);

on_every_store! {
    what_is_paid_before_it_is_told_is_not_told,
    a_trial_that_is_longer_is_told_again_and_a_short_one_at_once,
    a_deletion_that_is_undone_before_it_is_told_is_not_told,
    a_deletion_by_a_person_is_told_and_nothing_after_its_undo,
    only_owners_that_can_be_mailed_are_told,
    each_owner_is_told_in_their_language,
    two_workers_mail_each_owner_once,
    a_worker_that_ends_doubles_one_mail_at_most_and_loses_none,
    what_is_refused_holds_up_no_other_owner,
    what_is_not_taken_is_tried_again_for_a_time,
    what_was_withdrawn_and_holds_again_is_told,
    without_mail_nothing_is_kept,
    the_driver_plans_and_mails_by_itself,
}

impl World {
    async fn notices(&self) -> Vec<Notice> {
        self.service.store().load_all(&system().context, &Query::new(&NOTICES)).await.unwrap()
    }

    /// Makes what time has made due, and plans what is to be told of it.
    async fn plan(&self) {
        while self.service.advance_subscriptions().await.unwrap() > 0 {}
        catch_up(&self.service).await.unwrap();
    }

    async fn mail(&self) {
        self.notice_mail.run_due(&self.service).await.unwrap();
    }

    /// Returns the mails about notices in the audit trail, each with the person that it names.
    async fn trail(&self) -> Vec<(String, Option<UserId>)> {
        let filter = AuditFilter { tenant: Some(self.tenant.into()), ..AuditFilter::default() };
        let events = self.service.list_audit(&system(), &filter, &Default::default()).await.unwrap().items;
        let by_time = events.into_iter().rev().filter(|event| event.actor.name.as_deref() == Some("notices"));
        by_time.map(|event| (event.action, event.user_id)).collect()
    }

    async fn membership(&self, user: UserId) -> Membership {
        self.service.store().load_unique(&system().context, Membership::key(self.tenant, user)).await.unwrap().unwrap()
    }

    async fn change_user(&self, user: UserId, body: serde_json::Value) {
        self.service.update_user(&system(), user, UpdateUser::read(body).unwrap()).await.unwrap();
    }

    /// Adds owners, and lets the payment of a subscription be late.
    async fn late_with_owners(&self, names: &[&str]) -> Vec<UserId> {
        let mut owners = vec![self.olga];
        for name in names {
            owners.push(self.owner(name).await);
        }
        self.subscribe(json!({"status": "past_due"})).await;
        self.plan().await;
        owners
    }
}

async fn what_is_paid_before_it_is_told_is_not_told(store: SharedStore) {
    let world = World::on(store, catalogue()).await;
    let contract = world.subscribe(json!({})).await;
    world.clock.advance(7 * DAY);
    world.plan().await;
    assert_eq!(world.notices().await.len(), 1);
    let end = world.clock.now().plus(300 * DAY);
    world.change(&contract, json!({"status": "active", "currentPeriodEndsAt": end})).await.unwrap();
    world.mail().await;
    assert_eq!(world.notices().await[0].status, NoticeStatus::Withdrawn);
    world.pass(30).await;
    assert_eq!(world.mails.told(), [""; 0]);
    assert_eq!(world.notices().await.len(), 0, "it is removed in the end");
}

async fn a_trial_that_is_longer_is_told_again_and_a_short_one_at_once(store: SharedStore) {
    let world = World::on(store, catalogue()).await;
    let contract = world.subscribe(json!({})).await;
    world.pass(8).await;
    let end = world.clock.now().plus(20 * DAY);
    world.change(&contract, json!({"trialEndsAt": end})).await.unwrap();
    world.pass(14).await;
    let expected = [
        "7: The trial of Acme ends on 29 January 2027, before 29 January 2027, to olga@acme.eu",
        "21: The trial of Acme ends on 12 February 2027, before 12 February 2027, to olga@acme.eu",
    ];
    assert_eq!(world.mails.told(), expected);
    let end = world.clock.now().plus(2 * DAY);
    world.change(&contract, json!({"trialEndsAt": end})).await.unwrap();
    world.plan().await;
    world.mail().await;
    assert_eq!(
        world.mails.told()[2..],
        ["22: The trial of Acme ends on 8 February 2027, before 8 February 2027, to olga@acme.eu"]
    );
}

async fn a_deletion_that_is_undone_before_it_is_told_is_not_told(store: SharedStore) {
    let world = World::on(store, catalogue()).await;
    world.subscribe(json!({"status": "active"})).await;
    world.service.delete_tenant(&system(), &world.tenant.into()).await.unwrap();
    world.plan().await;
    world.service.restore_tenant(&system(), &world.tenant.into()).await.unwrap();
    world.pass(10).await;
    assert_eq!(world.mails.told(), [""; 0]);
}

async fn a_deletion_by_a_person_is_told_and_nothing_after_its_undo(store: SharedStore) {
    let world = World::on(store, catalogue()).await;
    world.subscribe(json!({})).await;
    world.pass(8).await;
    world.service.delete_tenant(&system(), &world.tenant.into()).await.unwrap();
    world.pass(2).await;
    world.service.restore_tenant(&system(), &world.tenant.into()).await.unwrap();
    world.pass(3).await;
    let expected = [
        "7: The trial of Acme ends on 29 January 2027, before 29 January 2027, to olga@acme.eu",
        "9: Acme was deleted, before 22 February 2027, to olga@acme.eu",
    ];
    assert_eq!(world.mails.told(), expected, "the end of the trial is not told twice");
}

async fn only_owners_that_can_be_mailed_are_told(store: SharedStore) {
    let world = World::on(store, catalogue()).await;
    let admin = support::person(&world.service, "adam").await;
    grant(&world.service, world.tenant, admin, MembershipRole::Admin).await;
    world.change_user(admin, json!({"email": "adam@acme.eu"})).await;
    let owners = world.late_with_owners(&["removed", "disabled", "erased", "nowhere", "lowered", "stays"]).await;
    let [_, removed, disabled, erased, nowhere, lowered, _] = owners.try_into().unwrap();
    // All of this happens after the notice was planned.
    world.service.revoke_membership(&system(), &world.tenant.into(), removed).await.unwrap();
    world.change_user(disabled, json!({"status": "disabled"})).await;
    world.service.delete_user(&system(), erased).await.unwrap();
    world.change_user(nowhere, json!({"email": null})).await;
    let lower = dezky::domain::UpdateMembership::read(json!({"role": "admin"})).unwrap();
    world.service.update_membership(&system(), &world.tenant.into(), lowered, lower).await.unwrap();
    world.mail().await;
    assert_eq!(world.mails.receivers(), ["olga@acme.eu", "stays@acme.eu"]);
    world.pass(3).await;
    assert_eq!(world.mails.receivers().len(), 2);
}

async fn each_owner_is_told_in_their_language(store: SharedStore) {
    let world = World::on(store, catalogue()).await;
    let doris = world.owner("doris").await;
    let before = world.membership(doris).await;
    let mut after = before.clone();
    after.language = Some(Language::De);
    after.advance(world.clock.now());
    let mut commit = Commit::new();
    commit.update(&after, before.version).unwrap();
    world.service.store().commit(&system().context, &commit).await.unwrap();
    world.late_with_owners(&[]).await;
    world.mail().await;
    let mut messages = world.mails.messages();
    messages.sort_by(|one, other| one.to.cmp(&other.to));
    let [german, english] = messages.try_into().unwrap();
    assert_eq!((german.to.as_str(), english.to.as_str()), ("doris@acme.eu", "olga@acme.eu"));
    assert!(german.content.text.starts_with("Guten Tag doris,\n\nFür Acme ist keine Zahlung eingegangen"));
    assert!(german.content.text.contains("Zahlen Sie vor dem 29. Januar 2027"), "{}", german.content.text);
    assert!(german.content.html.contains("<html lang=\"de\">"));
    assert!(english.content.text.contains("https://app.dezky.eu/tenants/acme/subscription"));
    assert_eq!(english.from_name, "Acme");
}

async fn two_workers_mail_each_owner_once(store: SharedStore) {
    let world = World::on(Arc::clone(&store), catalogue()).await;
    world.late_with_owners(&["one", "two", "three", "four"]).await;
    let other = world.notice_mail();
    let (one, two) = tokio::join!(world.notice_mail.run_due(&world.service), other.run_due(&world.service));
    one.unwrap();
    two.unwrap();
    let mut receivers = world.mails.receivers();
    receivers.sort();
    assert_eq!(receivers, ["four@acme.eu", "olga@acme.eu", "one@acme.eu", "three@acme.eu", "two@acme.eu"]);
}

async fn a_worker_that_ends_doubles_one_mail_at_most_and_loses_none(store: SharedStore) {
    let world = World::on(store, catalogue()).await;
    world.late_with_owners(&["anna", "zoe"]).await;
    world.mails.set_fault("olga@acme.eu", Some(Fault::Silent));
    tokio::select! {
        _ = world.notice_mail.run_due(&world.service) => panic!("the mail server never answers"),
        () = world.mails.until(2) => {}
    }
    world.mails.set_fault("olga@acme.eu", None);
    world.mail().await;
    assert_eq!(world.mails.receivers(), ["anna@acme.eu", "olga@acme.eu"], "its claim has not run out");
    world.clock.advance(6 * MINUTE);
    world.mail().await;
    assert_eq!(world.mails.receivers(), ["anna@acme.eu", "olga@acme.eu", "olga@acme.eu", "zoe@acme.eu"]);
    world.pass(3).await;
    assert_eq!(world.mails.receivers().len(), 4);
}

async fn what_is_refused_holds_up_no_other_owner(store: SharedStore) {
    let world = World::on(store, catalogue()).await;
    let owners = world.late_with_owners(&["anna", "zoe"]).await;
    world.mails.set_fault("anna@acme.eu", Some(Fault::Refuses));
    world.mail().await;
    assert_eq!(world.mails.receivers(), ["olga@acme.eu", "zoe@acme.eu"]);
    let (fail, send) = ("notice.fail".to_owned(), "notice.send".to_owned());
    let expected = [(fail, Some(owners[1])), (send.clone(), Some(owners[0])), (send, Some(owners[2]))];
    assert_eq!(world.trail().await, expected);
    let stored = world.notices().await.remove(0);
    assert_eq!(stored.status, NoticeStatus::Sent);
    assert_eq!(stored.failure.as_deref(), Some("550 5.1.1 (address) unknown"));
    assert!(!serde_json::to_string(&stored).unwrap().contains('@'), "{stored:?}");
    world.mails.set_fault("anna@acme.eu", None);
    world.pass(3).await;
    assert_eq!(world.mails.receivers().len(), 2, "what was refused is not tried again");
}

async fn what_is_not_taken_is_tried_again_for_a_time(store: SharedStore) {
    let world = World::on(store, catalogue()).await;
    let owners = world.late_with_owners(&["anna"]).await;
    for address in ["olga@acme.eu", "anna@acme.eu"] {
        world.mails.set_fault(address, Some(Fault::Later));
    }
    world.mail().await;
    world.mail().await;
    assert_eq!(world.notices().await[0].attempts, 1, "the next attempt waits");
    world.mails.set_fault("anna@acme.eu", None);
    world.clock.advance(MINUTE);
    world.mail().await;
    assert_eq!(world.mails.receivers(), ["anna@acme.eu"]);
    for attempt in 3..=MOST_ATTEMPTS {
        assert_eq!(world.notices().await[0].status, NoticeStatus::Waiting, "{attempt}");
        world.clock.advance(60 * MINUTE);
        world.mail().await;
    }
    let stored = world.notices().await.remove(0);
    assert_eq!((stored.attempts, stored.status), (MOST_ATTEMPTS, NoticeStatus::Sent));
    assert_eq!((stored.sent_to, stored.refused_to), (vec![owners[1]], vec![owners[0]]));
    let expected = [("notice.send".to_owned(), Some(owners[1])), ("notice.fail".to_owned(), None)];
    assert_eq!(world.trail().await, expected);
    world.mails.set_fault("olga@acme.eu", None);
    world.clock.advance(120 * MINUTE);
    world.mail().await;
    assert_eq!(world.mails.receivers().len(), 1);
}

async fn what_was_withdrawn_and_holds_again_is_told(store: SharedStore) {
    let world = World::on(store, catalogue()).await;
    world.late_with_owners(&[]).await;
    world.service.suspend_tenant(&system(), &world.tenant.into()).await.unwrap();
    world.pass(1).await;
    assert_eq!(world.mails.told(), [""; 0], "a person has suspended it");
    world.service.restore_tenant(&system(), &world.tenant.into()).await.unwrap();
    world.pass(1).await;
    let expected = ["2: A payment for Acme is missing, before 29 January 2027, to olga@acme.eu"];
    assert_eq!(world.mails.told(), expected);
    world.service.suspend_tenant(&system(), &world.tenant.into()).await.unwrap();
    world.pass(1).await;
    world.service.restore_tenant(&system(), &world.tenant.into()).await.unwrap();
    world.pass(1).await;
    assert_eq!(world.mails.told(), expected, "nobody is told twice");
}

async fn without_mail_nothing_is_kept(store: SharedStore) {
    let world = World::on(store, catalogue()).await;
    world.subscribe(json!({})).await;
    let mut most = 0;
    for _ in 0..120 {
        world.clock.advance(DAY);
        world.plan().await;
        forget_expired(&world.service).await.unwrap();
        most = most.max(world.notices().await.len());
    }
    assert!(most > 0 && most <= 2, "{most}");
    assert_eq!(world.notices().await.len(), 0);
    // Mail that is configured later tells nothing that is over.
    world.mail().await;
    assert_eq!(world.mails.told(), [""; 0]);
}

async fn the_driver_plans_and_mails_by_itself(store: SharedStore) {
    let World { service, mails, notice_mail, tenant, clock, .. } = World::on(store, catalogue()).await;
    let service = Arc::new(service);
    let mut tasks = Task::leased();
    tasks.push(Task::notices(Arc::new(notice_mail)));
    let driver = Driver::start(&service, tasks);
    let end = clock.now().plus(2 * DAY);
    let body = json!({"tenantId": tenant, "status": "trialing", "trialEndsAt": end});
    service.create_subscription(&system(), dezky::domain::CreateSubscription::read(body).unwrap()).await.unwrap();
    mails.until(1).await;
    driver.stop().await;
    assert_eq!(mails.receivers(), ["olga@acme.eu"]);
}
