//! The life of a subscription, and of its tenant with it: a year of it, on an injected clock.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "lifecycle/mails.rs"]
mod mails;
#[path = "lifecycle/notices.rs"]
mod notices;
mod support;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use dezky::{
    clock::{Clock as _, Timestamp},
    domain::{
        CreateSubscription, CreateTenant, CreateUser, GrantMembership, MembershipRole, OutboxEvent, Subscription,
        SubscriptionStatus, SubscriptionView, Tenant, TenantId, TenantStatus, UpdateSubscription, UserId,
        outbox::OUTBOX,
        plan::{Catalogue, Plan},
    },
    outbound::Url,
    service::{Service, ServiceSettings, audit::AuditFilter},
    store::{Query, Repository as _, SharedStore},
    test_kit::ManualClock,
    work::{NoticeMail, catch_up, forget_expired},
};
use serde_json::{Value, json};

use mails::Mails;
use support::{grant, on_every_store, person, system};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

on_every_store! {
    a_tenant_lives_through_a_year,
    an_unpaid_trial_ends_with_the_tenant_deleted_and_undone,
    a_tenant_that_a_person_has_suspended_stays_so,
    one_from_before_the_catalogue_is_not_moved,
    two_processes_move_each_once,
    states_that_do_not_follow_are_refused,
    a_deletion_and_its_undo_plan_what_time_does,
    a_process_without_plans_drops_no_terms,
}

/// A tenant `acme` with an owner `olga`, and a mail server.
struct World {
    clock: Arc<ManualClock>,
    service: Service,
    tenant: TenantId,
    olga: UserId,
    mails: Arc<Mails>,
    notice_mail: NoticeMail,
}

fn catalogue() -> Catalogue {
    let plan =
        Plan { seats: 5, files_gib: 100, mailbox_gib: 10, features: [].into(), prices: [].into(), trial_days: 14 };
    Catalogue::new(BTreeMap::from([("team".to_owned(), plan)])).unwrap()
}

fn serving(store: &SharedStore, clock: &Arc<ManualClock>, plans: Catalogue) -> Service {
    Service::new(Arc::clone(store), Arc::clone(clock) as _, ServiceSettings { plans, ..ServiceSettings::default() })
}

impl World {
    async fn on(store: SharedStore, plans: Catalogue) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let service = serving(&store, &clock, plans);
        let body = json!({"slug": "acme", "name": "Acme", "plan": "team", "status": "active"});
        let tenant = service.create_tenant(&system(), CreateTenant::read(body).unwrap()).await.unwrap().value.id;
        let mails = Mails::new(&clock);
        let notice_mail = NoticeMail::new(Arc::clone(&mails) as _, Url::parse("https://app.dezky.eu").unwrap());
        let mut world = Self { clock, service, tenant, olga: UserId::generate(), mails, notice_mail };
        world.olga = world.owner("olga").await;
        world
    }

    /// Creates another worker that mails notices.
    fn notice_mail(&self) -> NoticeMail {
        NoticeMail::new(Arc::clone(&self.mails) as _, Url::parse("https://app.dezky.eu").unwrap())
    }

    /// Adds an owner, with the address `NAME@acme.eu`.
    async fn owner(&self, name: &str) -> UserId {
        let body = json!({"authentikSubjectId": name, "name": name, "email": format!("{name}@acme.eu")});
        let user = self.service.create_user(&system(), CreateUser::read(body).unwrap()).await.unwrap().value.id;
        grant(&self.service, self.tenant, user, MembershipRole::Owner).await;
        user
    }

    async fn subscribe(&self, mut body: Value) -> SubscriptionView {
        body["tenantId"] = json!(self.tenant);
        let input = CreateSubscription::read(body).unwrap();
        self.service.create_subscription(&system(), input).await.unwrap().value
    }

    async fn change(&self, subscription: &SubscriptionView, body: Value) -> dezky::Result<SubscriptionView> {
        let input = UpdateSubscription::read(body).unwrap();
        self.service.update_subscription(&system(), subscription.id, input).await
    }

    /// Lets days pass, with a look at each: what time does, what is planned to be told of it, and the mail.
    async fn pass(&self, days: u32) {
        for _ in 0..days {
            self.clock.advance(DAY);
            while self.service.advance_subscriptions().await.unwrap() > 0 {}
            // Most days nothing happens.
            let waiting: Vec<OutboxEvent> =
                self.service.store().load_all(&system().context, &Query::new(&OUTBOX).limit(1)).await.unwrap();
            if !waiting.is_empty() {
                catch_up(&self.service).await.unwrap();
            }
            self.notice_mail.run_due(&self.service).await.unwrap();
        }
        forget_expired(&self.service).await.unwrap();
    }

    async fn tenant(&self) -> Tenant {
        self.service.store().load(&system().context, self.tenant).await.unwrap().unwrap()
    }

    async fn is(&self, subscription: &SubscriptionView, status: SubscriptionStatus, tenant: TenantStatus) {
        let stored: Subscription =
            self.service.store().load(&system().context, subscription.id).await.unwrap().unwrap();
        assert_eq!((stored.status, self.tenant().await.status), (status.into(), tenant.into()));
    }

    async fn told(&self) -> Vec<String> {
        let filter = AuditFilter { tenant: Some(self.tenant.into()), ..AuditFilter::default() };
        let events = self.service.list_audit(&system(), &filter, &Default::default()).await.unwrap().items;
        let by_time = events.into_iter().rev().filter(|event| event.actor.name.as_deref() == Some("lifecycle"));
        by_time.map(|event| event.action).collect()
    }
}

async fn a_tenant_lives_through_a_year(store: SharedStore) {
    use SubscriptionStatus::{Active, PastDue, Suspended, Trialing};
    let world = World::on(store, catalogue()).await;
    let begun = world.clock.now();
    let contract = world.subscribe(json!({})).await;
    assert_eq!(contract.trial_ends_at, Some(begun.plus(DAY * 14)));
    world.pass(13).await;
    world.is(&contract, Trialing, TenantStatus::Active).await;
    world.pass(1).await;
    world.is(&contract, PastDue, TenantStatus::Active).await;
    // Paid within the grace period, for a quarter.
    world.pass(10).await;
    let end = world.clock.now().plus(DAY * 90);
    world.change(&contract, json!({"status": "active", "currentPeriodEndsAt": end})).await.unwrap();
    world.pass(89).await;
    world.is(&contract, Active, TenantStatus::Active).await;
    world.pass(1).await;
    world.is(&contract, PastDue, TenantStatus::Active).await;
    // Not paid: read-only to its own people at the end of the grace period, and not a day before.
    world.pass(13).await;
    world.is(&contract, PastDue, TenantStatus::Active).await;
    world.pass(1).await;
    world.is(&contract, Suspended, TenantStatus::Suspended).await;
    // Paid at last, for the rest of the year: everything is as it was.
    world.pass(20).await;
    let end = begun.plus(DAY * 365);
    world.change(&contract, json!({"status": "active", "currentPeriodEndsAt": end})).await.unwrap();
    world.is(&contract, Active, TenantStatus::Active).await;
    while world.clock.now() < end {
        world.pass(1).await;
    }
    world.is(&contract, PastDue, TenantStatus::Active).await;
    let told = world.told().await;
    let update = "subscription.update";
    assert_eq!(told, [update, update, update, "tenant.suspend", update], "what time did");
    let mailed = [
        "7: The trial of Acme ends on 29 January 2027, before 29 January 2027, to olga@acme.eu",
        "14: A payment for Acme is missing, before 12 February 2027, to olga@acme.eu",
        "114: A payment for Acme is missing, before 23 May 2027, to olga@acme.eu",
        "128: Acme is suspended, before 22 June 2027, to olga@acme.eu",
        "365: A payment for Acme is missing, before 29 January 2028, to olga@acme.eu",
    ];
    assert_eq!(world.mails.told(), mailed);
}

async fn an_unpaid_trial_ends_with_the_tenant_deleted_and_undone(store: SharedStore) {
    use SubscriptionStatus::{Cancelled, Suspended};
    let world = World::on(store, catalogue()).await;
    let contract = world.subscribe(json!({})).await;
    world.pass(14 + 14).await;
    world.is(&contract, Suspended, TenantStatus::Suspended).await;
    world.pass(30).await;
    world.is(&contract, Cancelled, TenantStatus::Suspended).await;
    world.pass(29).await;
    world.is(&contract, Cancelled, TenantStatus::Suspended).await;
    world.pass(1).await;
    world.is(&contract, Cancelled, TenantStatus::Deleted).await;
    let mailed = [
        "7: The trial of Acme ends on 29 January 2027, before 29 January 2027, to olga@acme.eu",
        "14: A payment for Acme is missing, before 12 February 2027, to olga@acme.eu",
        "28: Acme is suspended, before 14 March 2027, to olga@acme.eu",
        "58: Acme will be deleted on 13 April 2027, before 13 April 2027, to olga@acme.eu",
        "88: Acme was deleted, before 13 May 2027, to olga@acme.eu",
    ];
    assert_eq!(world.mails.told(), mailed);
    // Within the grace period of its deletion it comes back, still withheld; a new contract puts it in use.
    world.service.restore_tenant(&system(), &world.tenant.into()).await.unwrap();
    assert_eq!(world.tenant().await.status, TenantStatus::Suspended);
    world.pass(3).await;
    let again = world.subscribe(json!({"status": "active"})).await;
    world.is(&again, SubscriptionStatus::Active, TenantStatus::Active).await;
    world.pass(100).await;
    world.is(&again, SubscriptionStatus::Active, TenantStatus::Active).await;
    assert_eq!(world.mails.told(), mailed, "nobody is told anything after the undo");
}

async fn a_tenant_that_a_person_has_suspended_stays_so(store: SharedStore) {
    let world = World::on(store, catalogue()).await;
    let contract = world.subscribe(json!({"status": "active"})).await;
    world.service.suspend_tenant(&system(), &world.tenant.into()).await.unwrap();
    for status in ["past_due", "suspended"] {
        world.change(&contract, json!({"status": status})).await.unwrap();
        world.pass(2).await;
    }
    world.change(&contract, json!({"status": "active"})).await.unwrap();
    world.is(&contract, SubscriptionStatus::Active, TenantStatus::Suspended).await;
    // It is not deleted for a subscription either.
    world.change(&contract, json!({"status": "cancelled"})).await.unwrap();
    world.pass(31).await;
    world.is(&contract, SubscriptionStatus::Cancelled, TenantStatus::Suspended).await;
    // Nor are its owners told to pay.
    assert_eq!(world.mails.told(), [""; 0]);
}

async fn one_from_before_the_catalogue_is_not_moved(store: SharedStore) {
    let world = World::on(store, Catalogue::default()).await;
    let past = world.clock.now().minus(DAY);
    let body = json!({"status": "active", "currentPeriodEndsAt": past, "trialEndsAt": past});
    let contract = world.subscribe(body).await;
    world.pass(200).await;
    world.is(&contract, SubscriptionStatus::Active, TenantStatus::Active).await;
    world.change(&contract, json!({"status": "suspended"})).await.unwrap();
    world.pass(200).await;
    world.is(&contract, SubscriptionStatus::Suspended, TenantStatus::Active).await;
}

async fn two_processes_move_each_once(store: SharedStore) {
    let world = World::on(Arc::clone(&store), catalogue()).await;
    let contract = world.subscribe(json!({})).await;
    let other = serving(&store, &world.clock, catalogue());
    world.clock.advance(DAY * 14);
    let (one, two) = tokio::join!(world.service.advance_subscriptions(), other.advance_subscriptions());
    assert!(one.unwrap() + two.unwrap() >= 1);
    world.is(&contract, SubscriptionStatus::PastDue, TenantStatus::Active).await;
    let told = world.told().await;
    assert_eq!(told, ["subscription.update"]);
    assert_eq!(world.service.advance_subscriptions().await.unwrap(), 0);
}

async fn states_that_do_not_follow_are_refused(store: SharedStore) {
    let world = World::on(store, catalogue()).await;
    let contract = world.subscribe(json!({"status": "active"})).await;
    for status in ["trialing", "incomplete"] {
        let error = world.change(&contract, json!({"status": status})).await.expect_err(status);
        assert!(error.fields().iter().any(|field| field.code == dezky::FieldCode::UNREACHABLE_STATUS), "{error:?}");
    }
    // What a suspended tenant may do is the policy's: nothing is granted, and reading goes on.
    world.change(&contract, json!({"status": "suspended"})).await.unwrap();
    let anna = person(&world.service, "anna").await;
    let input = GrantMembership { user_id: anna, role: MembershipRole::Member };
    let error = world.service.grant_membership(&system(), &world.tenant.into(), input).await.expect_err("no seat");
    assert_eq!(error.code(), "subscription_inactive");
    assert!(!world.service.read_entitlements(&system(), &world.tenant.into()).await.unwrap().in_force);
    world.change(&contract, json!({"status": "cancelled"})).await.unwrap();
    let error = world.change(&contract, json!({"status": "active"})).await.expect_err("cancelled");
    assert_eq!(error.code(), "subscription_cancelled");
}

async fn a_deletion_and_its_undo_plan_what_time_does(store: SharedStore) {
    let world = World::on(store, catalogue()).await;
    let contract = world.subscribe(json!({})).await;
    let stored =
        async || -> Subscription { world.service.store().load(&system().context, contract.id).await.unwrap().unwrap() };
    world.pass(5).await;
    world.service.delete_tenant(&system(), &world.tenant.into()).await.unwrap();
    let deleted = stored().await;
    assert_eq!(deleted.status, SubscriptionStatus::Cancelled);
    assert_eq!(deleted.status_since, Some(world.clock.now()));
    // The end of the trial passes meanwhile, and is made up for once the deletion is undone.
    world.pass(10).await;
    world.is(&contract, SubscriptionStatus::Cancelled, TenantStatus::Deleted).await;
    world.service.restore_tenant(&system(), &world.tenant.into()).await.unwrap();
    let restored = stored().await;
    assert_eq!(restored.status, SubscriptionStatus::Trialing);
    assert_eq!((restored.status_since, restored.next_step_at), (Some(world.clock.now()), restored.trial_ends_at));
    world.pass(1).await;
    world.is(&contract, SubscriptionStatus::PastDue, TenantStatus::Active).await;
}

async fn a_process_without_plans_drops_no_terms(store: SharedStore) {
    let world = World::on(Arc::clone(&store), catalogue()).await;
    let contract = world.subscribe(json!({})).await;
    let world = World { service: serving(&store, &world.clock, Catalogue::default()), ..world };
    for plan in ["team", "other"] {
        let error = world.change(&contract, json!({"plan": plan})).await.expect_err(plan);
        assert!(error.fields().iter().any(|field| field.code == dezky::FieldCode::UNKNOWN_PLAN), "{error:?}");
    }
    let changed = world.change(&contract, json!({"seats": 7})).await.unwrap();
    assert_eq!((changed.terms, changed.seats), (contract.terms, 7));
}
