//! App passwords: shown once, revoked whatever the mail system does, and never left behind or taken from somebody else.

use std::{sync::Arc, time::Duration};

use dezky::{
    domain::{
        AppPassword, AppPasswordStatus, AppPasswordView, CreateAppPassword, MailboxId, MembershipRole, TenantId,
        TenantStatus, UpdateUser, UserId, app_password::APP_PASSWORDS, mailbox::MAILBOXES,
    },
    emulators::{Fault, Faults},
    error::ErrorKind,
    service::{Call, IdempotencyRequest},
    store::{Query, Repository as _, SharedStore},
};
use serde_json::json;

use crate::{
    support::{self, system},
    world::{DAY, World},
};

on_every_store! {
    an_app_password_lets_in_until_it_is_revoked_and_is_stored_nowhere,
    a_repeated_key_creates_one_and_shows_nothing_again,
    a_mail_system_that_is_down_is_told_and_nothing_is_left,
    a_lost_answer_leaves_none_behind,
    a_revocation_waits_for_the_mail_system,
    what_is_ours_and_unknown_is_removed_and_what_is_not_ours_stays,
    nobody_gets_one_of_a_mailbox_that_is_not_in_use,
    one_that_is_revoked_while_it_is_created_lets_nobody_in,
}

/// A member's mailbox that the mail system has.
struct Holder {
    world: World,
    tenant: TenantId,
    user: UserId,
    subject: String,
    mailbox: MailboxId,
}

impl Holder {
    async fn on(store: SharedStore) -> Self {
        let world = World::on(store).await;
        let tenant = world.tenant("acme").await;
        let (user, known, mailbox) = world.member(tenant, "anna").await;
        world.settle().await;
        world.assert_ready(tenant).await;
        Self { world, tenant, user, subject: known.uuid, mailbox: mailbox.id }
    }

    /// Returns a call by the member.
    fn anna(&self) -> Call {
        support::by(&support::token(&self.subject, None, self.world.now()))
    }

    async fn create(&self, call: &Call, name: &str) -> dezky::Result<AppPasswordView> {
        let input = CreateAppPassword::read(json!({"name": name})).unwrap();
        let created = self.world.service.create_app_password(call, &self.tenant.into(), self.mailbox, input).await;
        created.map(|answer| answer.value)
    }

    async fn list(&self) -> Vec<AppPasswordView> {
        let page = Default::default();
        let service = &self.world.service;
        service.list_app_passwords(&self.anna(), &self.tenant.into(), self.mailbox, &page).await.unwrap().items
    }

    async fn revoke(&self, password: &AppPasswordView) {
        let service = &self.world.service;
        service.delete_app_password(&self.anna(), &self.tenant.into(), self.mailbox, password.id).await.unwrap();
    }

    /// Returns the labels in the mail system.
    fn labels(&self) -> Vec<String> {
        self.world.stalwart.system().accounts()[0].app_passwords.clone()
    }

    fn signs_in(&self, password: &AppPasswordView) -> bool {
        self.world.stalwart.system().signs_in("anna@acme.eu", &password.secret.as_ref().unwrap().0)
    }

    async fn entries(&self) -> Vec<AppPassword> {
        self.world.store().load_all(&system().context, &Query::new(&APP_PASSWORDS)).await.unwrap()
    }

    /// Sets a fault of every exchange with the mail system.
    fn fail(&self, fault: Option<Fault>) {
        self.world.stalwart.set_faults(Faults { every: fault, ..Faults::default() });
    }
}

async fn an_app_password_lets_in_until_it_is_revoked_and_is_stored_nowhere(store: SharedStore) {
    let anna = Holder::on(store).await;
    let mut keyed = anna.anna();
    keyed.idempotency = Some(key("phone"));
    let phone = anna.create(&keyed, "Phone").await.unwrap();
    let laptop = anna.create(&anna.anna(), "Phone").await.unwrap();
    assert!(anna.signs_in(&phone) && anna.signs_in(&laptop), "two of one name are two");
    assert_eq!((phone.status, phone.user_id, phone.mailbox_id), (AppPasswordStatus::Active, anna.user, anna.mailbox));
    let secret = phone.secret.clone().unwrap().0;
    assert!(!format!("{phone:?}").contains(&secret), "it is not in `Debug`");
    let listed = anna.list().await;
    assert_eq!(listed.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["Phone", "Phone"]);
    assert!(listed.iter().all(|one| one.secret.is_none()));
    // Nowhere in the store: not in the entry, the trail, the events or the stored answer.
    for collection in dezky::COLLECTIONS {
        for document in anna.world.store().find(&system().context, &Query::new(collection)).await.unwrap() {
            assert!(!document.json.contains(&secret), "{}: {}", collection.name, document.json);
        }
    }
    anna.world.settle().await;
    assert!(anna.signs_in(&phone), "a look leaves it");
    anna.revoke(&phone).await;
    anna.world.work().await;
    assert!(!anna.signs_in(&phone) && anna.signs_in(&laptop));
    anna.world.settle().await;
    let left = anna.list().await;
    assert_eq!(left.iter().map(|one| one.id).collect::<Vec<_>>(), [laptop.id]);
    anna.world.assert_ready(anna.tenant).await;
    // They go with their mailbox.
    let service = &anna.world.service;
    service.delete_mailbox(&system(), &anna.tenant.into(), anna.mailbox).await.unwrap();
    anna.world.settle().await;
    assert_eq!(anna.entries().await, []);
}

fn key(key: &str) -> IdempotencyRequest {
    IdempotencyRequest { key: key.to_owned(), target: "POST /app-passwords".to_owned(), body: Vec::new() }
}

async fn a_repeated_key_creates_one_and_shows_nothing_again(store: SharedStore) {
    let anna = Holder::on(store).await;
    let mut call = anna.anna();
    call.idempotency = Some(key("phone"));
    // At the same time, and afterwards.
    let both = futures_util::join!(anna.create(&call, "Phone"), anna.create(&call, "Phone"));
    let third = anna.create(&call, "Phone").await;
    let mut shown = Vec::new();
    for outcome in [both.0, both.1, third] {
        match outcome {
            Ok(created) => shown.push(created),
            Err(error) => assert!(["secret_shown_once", "in_progress"].contains(&error.code()), "{error:?}"),
        }
    }
    assert_eq!(shown.len(), 1, "the secret is shown once");
    anna.world.settle().await;
    anna.world.clock.advance(Duration::from_secs(120));
    anna.world.settle().await;
    assert_eq!(anna.labels().len(), 1);
    assert!(anna.signs_in(&shown[0]));
    assert_eq!(anna.list().await.len(), 1);
}

async fn a_mail_system_that_is_down_is_told_and_nothing_is_left(store: SharedStore) {
    let anna = Holder::on(store).await;
    for fault in [Fault::ErrorBefore, Fault::ResetBefore, Fault::RateLimit, Fault::Expired] {
        anna.fail(Some(fault));
        let mut call = anna.anna();
        call.idempotency = Some(key("phone"));
        let error = anna.create(&call, "Phone").await.unwrap_err();
        assert_eq!((error.code(), error.kind()), ("upstream_unavailable", ErrorKind::Unavailable), "{fault:?}");
        assert!(error.retry_after().is_some(), "{fault:?}");
        let listed = anna.list().await;
        assert_eq!(listed[0].status, AppPasswordStatus::Pending, "lists work while mail is down");
        anna.fail(None);
        anna.world.settle().await;
        assert_eq!((anna.entries().await, anna.labels()), (vec![], vec![]), "{fault:?}");
        // The key of a request that came to nothing is not used up.
        let created = anna.create(&call, "Phone").await.unwrap();
        assert!(anna.signs_in(&created), "{fault:?}");
        anna.revoke(&created).await;
        anna.world.settle().await;
        anna.world.clock.advance(DAY * 2);
        anna.world.settle().await;
    }
}

async fn a_lost_answer_leaves_none_behind(store: SharedStore) {
    let anna = Holder::on(store).await;
    let kept = anna.create(&anna.anna(), "Kept").await.unwrap();
    for seed in 0..24 {
        // Any exchange of the creation fails, before or after its effect.
        anna.world.stalwart.set_faults(Faults { share: 0.4, seed, ..Faults::default() });
        let outcome = anna.create(&anna.anna(), "Phone").await;
        anna.world.stalwart.set_faults(Faults::default());
        anna.world.settle().await;
        let (entries, labels) = (anna.entries().await, anna.labels());
        match outcome {
            Ok(created) => {
                assert!(anna.signs_in(&created), "seed {seed}");
                assert_eq!((entries.len(), labels.len()), (2, 2), "seed {seed}: {labels:?}");
                anna.revoke(&created).await;
                anna.world.settle().await;
            }
            Err(error) => {
                assert!(error.kind() == ErrorKind::Unavailable, "seed {seed}: {error:?}");
                assert_eq!((entries.len(), labels.len()), (1, 1), "seed {seed}: {labels:?}");
            }
        }
        assert!(anna.signs_in(&kept), "seed {seed}");
    }
    // The whole creation happens, and its answer is lost.
    anna.fail(Some(Fault::ResetAfter));
    anna.create(&anna.anna(), "Phone").await.unwrap_err();
    anna.fail(None);
    anna.world.settle().await;
    assert_eq!((anna.entries().await.len(), anna.labels().len()), (1, 1));
    anna.world.assert_ready(anna.tenant).await;
}

async fn a_revocation_waits_for_the_mail_system(store: SharedStore) {
    let anna = Holder::on(store).await;
    let phone = anna.create(&anna.anna(), "Phone").await.unwrap();
    anna.world.settle().await;
    anna.world.clock.advance(Duration::from_secs(3_600));
    anna.fail(Some(Fault::ResetBefore));
    anna.revoke(&phone).await;
    for _ in 0..5 {
        anna.world.work().await;
        anna.world.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(anna.list().await[0].status, AppPasswordStatus::Removing, "it is not told to be gone before it is");
    assert!(anna.signs_in(&phone));
    anna.fail(None);
    anna.world.settle().await;
    assert!(!anna.signs_in(&phone));
    assert_eq!((anna.entries().await, anna.labels()), (vec![], vec![]));
}

async fn what_is_ours_and_unknown_is_removed_and_what_is_not_ours_stays(store: SharedStore) {
    let anna = Holder::on(store).await;
    let stalwart = anna.world.stalwart.system();
    let phone = anna.create(&anna.anna(), "Phone").await.unwrap();
    let lost = anna.create(&anna.anna(), "Lost").await.unwrap();
    stalwart.add_app_password("anna@acme.eu", "Made by hand");
    stalwart.add_app_password("anna@acme.eu", "Phone [dezky 0123456789abcdef01234567]");
    stalwart.remove_app_password("anna@acme.eu", &anna.labels()[1]);
    assert_eq!(anna.labels().len(), 3);
    anna.world.clock.advance(DAY * 2);
    anna.world.settle().await;
    let mut labels = anna.labels();
    labels.sort();
    assert_eq!(labels, ["Made by hand".to_owned(), format!("Phone [dezky {}]", phone.id)]);
    assert!(anna.signs_in(&phone) && !anna.signs_in(&lost));
    let listed = anna.list().await;
    assert_eq!(listed.iter().map(|one| one.id).collect::<Vec<_>>(), [phone.id], "what is gone is not listed");
}

async fn nobody_gets_one_of_a_mailbox_that_is_not_in_use(store: SharedStore) {
    let anna = Holder::on(store).await;
    let refused = async |call: &Call| anna.create(call, "Phone").await.unwrap_err().code();
    let service = &anna.world.service;
    let tenant = anna.tenant.into();
    service.suspend_tenant(&system(), &tenant).await.unwrap();
    assert_eq!(refused(&anna.anna()).await, "tenant_suspended");
    service.restore_tenant(&system(), &tenant).await.unwrap();
    assert_eq!(anna.world.load(anna.tenant).await.status, TenantStatus::Active);
    // Neither operators, nor administrators of the platform, nor owners get one of hers.
    assert_eq!(refused(&system()).await, "holder_required");
    let root = support::person(service, "root").await;
    let promote = UpdateUser::read(json!({"platformAdmin": true})).unwrap();
    service.update_user(&system(), root, promote).await.unwrap();
    let root_call = || support::by(&support::token("root", None, anna.world.now()));
    assert_eq!(refused(&root_call()).await, "holder_required");
    support::grant(service, anna.tenant, root, MembershipRole::Owner).await;
    assert_eq!(refused(&root_call()).await, "holder_required");
    // Of their own mailbox they do.
    let own = anna.world.mailbox(anna.tenant, root, "root").await;
    anna.world.settle().await;
    let input = CreateAppPassword::read(json!({"name": "Phone"})).unwrap();
    let created = service.create_app_password(&root_call(), &tenant, own.id, input).await.unwrap().value;
    assert!(anna.world.stalwart.system().signs_in("root@acme.eu", &created.secret.unwrap().0));
    // The mailbox of one who is a member no more.
    service.revoke_membership(&system(), &tenant, anna.user).await.unwrap();
    assert_eq!(refused(&anna.anna()).await, "not_found");
    // A mailbox that the mail system does not have yet.
    let (bert, known, _) = anna.world.member(anna.tenant, "bert").await;
    let new = anna.world.mailbox(anna.tenant, bert, "new").await;
    let call = support::by(&support::token(&known.uuid, None, anna.world.now()));
    let input = CreateAppPassword::read(json!({"name": "Phone"})).unwrap();
    let error = service.create_app_password(&call, &tenant, new.id, input).await.unwrap_err();
    assert_eq!(error.code(), "mailbox_not_ready");
    let entries = anna.entries().await;
    assert!(entries.iter().all(|entry| entry.mailbox_id != new.id), "what is refused leaves no entry");
    let all: Vec<dezky::domain::Mailbox> =
        anna.world.store().load_all(&system().context, &Query::new(&MAILBOXES)).await.unwrap();
    assert_eq!(all.len(), 4);
}

async fn one_that_is_revoked_while_it_is_created_lets_nobody_in(store: SharedStore) {
    let anna = Arc::new(Holder::on(store).await);
    // The mail system takes its time, and the tenant is suspended meanwhile.
    let latency = Duration::from_millis(300);
    anna.world.stalwart.set_faults(Faults { latency, ..Faults::default() });
    let creation = {
        let anna = Arc::clone(&anna);
        tokio::spawn(async move { anna.create(&anna.anna(), "Phone").await })
    };
    while anna.entries().await.is_empty() {
        tokio::task::yield_now().await;
    }
    anna.world.service.suspend_tenant(&system(), &anna.tenant.into()).await.unwrap();
    let error = creation.await.unwrap().unwrap_err();
    assert_eq!(error.code(), "tenant_suspended");
    anna.world.stalwart.set_faults(Faults::default());
    anna.world.settle().await;
    assert_eq!((anna.entries().await, anna.labels()), (vec![], vec![]));
}

use support::on_every_store;
