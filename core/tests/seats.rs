//! Seats of a subscription: bounded exactly, whoever asks at the same time.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{collections::BTreeMap, sync::Arc};

use dezky::{
    FieldCode,
    clock::Clock as _,
    domain::{
        CreateSubscription, CreateTenant, CreateUser, GrantMembership, MembershipRole, SubscriptionStatus,
        SubscriptionView, TenantId, UpdateSubscription, UserId,
        plan::{Catalogue, Plan},
    },
    service::{Service, ServiceSettings},
    store::SharedStore,
    test_kit::ManualClock,
};
use serde_json::json;

use support::{on_every_store, system};

on_every_store! {
    a_hundred_who_ask_at_once_get_the_last_three_seats,
    a_seat_that_is_given_back_is_free,
    a_change_of_the_catalogue_changes_no_subscription,
    a_subscription_that_is_not_in_force_gives_no_seat,
    one_without_terms_bounds_nothing,
}

struct World {
    clock: Arc<ManualClock>,
    store: SharedStore,
    service: Arc<Service>,
    tenant: TenantId,
}

fn plan(seats: u32, files_gib: u64) -> Plan {
    let features = ["meetings".to_owned()].into();
    Plan { seats, files_gib, mailbox_gib: 10, features, prices: [].into(), trial_days: 14 }
}

fn catalogue(plans: &[(&str, Plan)]) -> Catalogue {
    let plans: BTreeMap<String, Plan> = plans.iter().map(|(name, plan)| ((*name).to_owned(), plan.clone())).collect();
    Catalogue::new(plans).unwrap()
}

impl World {
    async fn on(store: SharedStore, plans: Catalogue) -> Self {
        let clock = Arc::new(ManualClock::at_now());
        let service = serving(&store, &clock, plans);
        let body = json!({"slug": "acme", "name": "Acme", "plan": "team", "status": "active"});
        let tenant = service.create_tenant(&system(), CreateTenant::read(body).unwrap()).await.unwrap().value.id;
        Self { clock, store, service, tenant }
    }

    async fn person(&self, name: &str) -> UserId {
        let input = CreateUser::read(json!({"authentikSubjectId": name})).unwrap();
        self.service.create_user(&system(), input).await.unwrap().value.id
    }

    async fn subscribe(&self, body: serde_json::Value) -> dezky::Result<SubscriptionView> {
        let mut body = body;
        body["tenantId"] = json!(self.tenant);
        let input = CreateSubscription::read(body).unwrap();
        Ok(self.service.create_subscription(&system(), input).await?.value)
    }

    async fn change(
        &self,
        subscription: &SubscriptionView,
        body: serde_json::Value,
    ) -> dezky::Result<SubscriptionView> {
        let input = UpdateSubscription::read(body).unwrap();
        self.service.update_subscription(&system(), subscription.id, input).await
    }

    async fn grant(&self, user: UserId) -> Result<(), &'static str> {
        grant(&self.service, self.tenant, user).await
    }

    async fn used(&self) -> (Option<u64>, Option<u64>) {
        let view = self.service.read_entitlements(&system(), &self.tenant.into()).await.unwrap();
        (view.seats.used, view.seats.limit)
    }
}

fn serving(store: &SharedStore, clock: &Arc<ManualClock>, plans: Catalogue) -> Arc<Service> {
    let settings = ServiceSettings { plans, ..ServiceSettings::default() };
    Arc::new(Service::new(Arc::clone(store), Arc::clone(clock) as _, settings))
}

async fn grant(service: &Service, tenant: TenantId, user: UserId) -> Result<(), &'static str> {
    let input = GrantMembership { user_id: user, role: MembershipRole::Member };
    service.grant_membership(&system(), &tenant.into(), input).await.map(drop).map_err(|error| error.code())
}

async fn a_hundred_who_ask_at_once_get_the_last_three_seats(store: SharedStore) {
    let world = World::on(store, catalogue(&[("team", plan(5, 100))])).await;
    world.subscribe(json!({})).await.unwrap();
    for name in ["anna", "bert"] {
        world.grant(world.person(name).await).await.unwrap();
    }
    let mut people = Vec::new();
    for number in 0..100 {
        people.push(world.person(&format!("person-{number}")).await);
    }
    // In two processes, which know nothing of each other.
    let other = serving(&world.store, &world.clock, catalogue(&[("team", plan(5, 100))]));
    let asked: Vec<_> = people
        .into_iter()
        .enumerate()
        .map(|(number, user)| {
            let service = if number % 2 == 0 { Arc::clone(&world.service) } else { Arc::clone(&other) };
            let tenant = world.tenant;
            tokio::spawn(async move {
                loop {
                    match grant(&service, tenant, user).await {
                        // A busy machine: whoever gets no answer asks again.
                        Err("store_timeout" | "conflict") => {}
                        // What was carried out though its answer was late.
                        Err("already_member") => return Ok(()),
                        answer => return answer,
                    }
                }
            })
        })
        .collect();
    let mut given = 0;
    for answer in asked {
        match answer.await.unwrap() {
            Ok(()) => given += 1,
            Err(code) => assert_eq!(code, "seats_exhausted"),
        }
    }
    assert_eq!(given, 3);
    assert_eq!(world.used().await, (Some(5), Some(5)));
}

async fn a_seat_that_is_given_back_is_free(store: SharedStore) {
    let world = World::on(store, catalogue(&[("team", plan(1, 100))])).await;
    let subscription = world.subscribe(json!({})).await.unwrap();
    let (anna, bert, cleo) = (world.person("anna").await, world.person("bert").await, world.person("cleo").await);
    world.grant(anna).await.unwrap();
    assert_eq!(world.grant(bert).await, Err("seats_exhausted"));
    world.service.revoke_membership(&system(), &world.tenant.into(), anna).await.unwrap();
    world.grant(bert).await.unwrap();
    assert_eq!(world.grant(cleo).await, Err("seats_exhausted"));
    // Two seats more, and one less than are taken: nobody loses theirs.
    world.change(&subscription, json!({"seats": 2})).await.unwrap();
    world.grant(cleo).await.unwrap();
    world.change(&subscription, json!({"seats": 1})).await.unwrap();
    assert_eq!(world.used().await, (Some(2), Some(1)));
    assert_eq!(world.grant(anna).await, Err("seats_exhausted"));
}

async fn a_change_of_the_catalogue_changes_no_subscription(store: SharedStore) {
    let world = World::on(store, catalogue(&[("team", plan(5, 100))])).await;
    let subscription = world.subscribe(json!({})).await.unwrap();
    let terms = subscription.terms.clone().unwrap();
    assert_eq!((terms.files_bytes, subscription.seats), (100 << 30, 5));
    assert_eq!(subscription.status, SubscriptionStatus::Trialing);
    assert!(subscription.trial_ends_at.unwrap() > world.clock.now());
    // An edit of the plan, and a restart.
    let world = World {
        service: serving(&world.store, &world.clock, catalogue(&[("team", plan(2, 7)), ("big", plan(9, 900))])),
        ..world
    };
    let view = world.service.read_entitlements(&system(), &world.tenant.into()).await.unwrap();
    assert_eq!((view.files_bytes.limit, view.seats.limit), (Some(100 << 30), Some(5)));
    assert_eq!((view.features, view.in_force), (vec!["meetings".to_owned()], true));
    // Other changes agree on nothing anew; a change of plan does, and to name the same plan again.
    let changed = world.change(&subscription, json!({"status": "active"})).await.unwrap();
    assert_eq!(changed.terms, Some(terms));
    let changed = world.change(&subscription, json!({"plan": "big"})).await.unwrap();
    assert_eq!((changed.terms.unwrap().files_bytes, changed.seats), (900 << 30, 9));
    let changed = world.change(&subscription, json!({"plan": "team", "seats": 4})).await.unwrap();
    assert_eq!((changed.terms.unwrap().files_bytes, changed.seats), (7 << 30, 4));
    let unknown = world.change(&subscription, json!({"plan": "huge"})).await.expect_err("not in the catalogue");
    assert!(
        unknown.fields().iter().any(|field| field.field == "plan" && field.code == FieldCode::UNKNOWN_PLAN),
        "{unknown:?}"
    );
}

async fn a_subscription_that_is_not_in_force_gives_no_seat(store: SharedStore) {
    let world = World::on(store, catalogue(&[("team", plan(5, 100))])).await;
    let subscription = world.subscribe(json!({"status": "incomplete"})).await.unwrap();
    let anna = world.person("anna").await;
    assert_eq!(world.grant(anna).await, Err("subscription_inactive"));
    world.change(&subscription, json!({"status": "active"})).await.unwrap();
    for (status, expected) in
        [("suspended", Err("subscription_inactive")), ("paused", Err("subscription_inactive")), ("past_due", Ok(()))]
    {
        world.change(&subscription, json!({"status": status})).await.unwrap();
        assert_eq!(world.grant(anna).await, expected, "{status}");
    }
}

async fn one_without_terms_bounds_nothing(store: SharedStore) {
    let world = World::on(store, Catalogue::default()).await;
    let subscription = world.subscribe(json!({"seats": 1})).await.unwrap();
    assert_eq!((subscription.terms, subscription.status), (None, SubscriptionStatus::Active.into()));
    for name in ["anna", "bert", "cleo"] {
        world.grant(world.person(name).await).await.unwrap();
    }
    assert_eq!(world.used().await, (Some(3), None));
}
