//! Background work: no event is lost, skipped or trimmed too early, and one process of many runs a task.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "work/driver.rs"]
mod driver;
mod support;

use std::{sync::Arc, time::Duration};

use dezky::{
    clock::Clock as _,
    domain::{
        Cursor, DeferredEvent, Event, Membership, MembershipRole, TenantId, UpdateTenant, UserId,
        event::{DEFERRED_EVENTS, EVENTS, EVENTS_IN_ORDER},
    },
    service::Service,
    store::{Commit, Filter, Query, Repository as _, SharedStore},
    test_kit::ManualClock,
    work::{CONSUMERS, catch_up},
};
use serde_json::json;
use support::{
    grant,
    interleaved::{Interleaved, Meanwhile, interleaved},
    person, system, tenant,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn rename(service: &Service, tenant: TenantId, name: &str) {
    let input = UpdateTenant::read(json!({ "name": name })).unwrap();
    service.update_tenant(&system(), &tenant.into(), input).await.unwrap();
}

async fn copied_name(store: &SharedStore, tenant: TenantId, user: UserId) -> String {
    let key = Membership::key(tenant, user);
    store.load_unique::<Membership>(&system().context, key).await.unwrap().unwrap().tenant_name
}

async fn events(store: &SharedStore) -> Vec<Event> {
    let query = Query::new(&EVENTS).sort(&EVENTS_IN_ORDER).limit(1_000);
    store.load_all(&system().context, &query).await.unwrap()
}

async fn deferred(store: &SharedStore) -> Vec<DeferredEvent> {
    store.load_all(&system().context, &Query::new(&DEFERRED_EVENTS).limit(1_000)).await.unwrap()
}

/// Stores the cursor of a consumer that only a later release knows.
async fn add_foreign_cursor(store: &SharedStore, clock: &ManualClock) {
    let mut commit = Commit::new();
    commit.insert(&Cursor { version: 1, ..Cursor::start("of-a-later-release", clock.now()) }).unwrap();
    store.commit(&system().context, &commit).await.unwrap();
}

/// A member of two tenants, with nothing left to do.
struct Estate {
    clock: Arc<ManualClock>,
    calm: Arc<Service>,
    stuck: TenantId,
    other: TenantId,
    anna: UserId,
}

impl Estate {
    async fn new(store: &SharedStore) -> Self {
        let clock = Arc::new(ManualClock::at_now());
        let calm = Arc::new(support::service(Arc::clone(store), clock.clone()));
        let (stuck, other) = (tenant(&calm, "stuck").await, tenant(&calm, "other").await);
        let anna = person(&calm, "anna").await;
        grant(&calm, stuck, anna, MembershipRole::Member).await;
        grant(&calm, other, anna, MembershipRole::Member).await;
        catch_up(&calm).await.unwrap();
        Self { clock, calm, stuck, other, anna }
    }

    /// A service of another process, whose queries about the tenant `stuck` fail.
    fn troubled(&self, store: &SharedStore) -> Service {
        let of_stuck = Filter::Equal("tenantId", self.stuck.0.into());
        let failing = Interleaved::failing(store, Box::new(move |query| query.filters.contains(&of_stuck)));
        support::service(Arc::new(failing), self.clock.clone())
    }
}

async fn an_event_that_fails_waits_for_its_retry_and_holds_up_none_of_the_others(store: SharedStore) {
    let estate = Estate::new(&store).await;
    rename(&estate.calm, estate.stuck, "Stuck, renamed").await;
    rename(&estate.calm, estate.other, "Other, renamed").await;
    let troubled = estate.troubled(&store);
    // Another consumer deals with both renames.
    assert_eq!(catch_up(&troubled).await.unwrap(), 1 + 2);
    assert_eq!(copied_name(&store, estate.other, estate.anna).await, "Other, renamed");
    // Each failure doubles the wait, up to a quarter of an hour.
    let mut waits = Vec::new();
    for attempt in 1..13 {
        let waiting = deferred(&store).await;
        assert_eq!((waiting.len(), waiting[0].attempts), (1, attempt));
        assert!(waiting[0].last_error.starts_with("store_unavailable: "), "{}", waiting[0].last_error);
        waits.push(waiting[0].due_at.seconds() - estate.clock.now().seconds());
        // Not before its time.
        assert_eq!(catch_up(&troubled).await.unwrap(), 0);
        assert_eq!(deferred(&store).await[0].attempts, attempt);
        estate.clock.set(waiting[0].due_at);
        assert_eq!(catch_up(&troubled).await.unwrap(), 0);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
    assert_eq!(copied_name(&store, estate.stuck, estate.anna).await, "stuck");
    estate.clock.set(deferred(&store).await[0].due_at);
    assert_eq!(catch_up(&estate.calm).await.unwrap(), 1);
    assert_eq!(copied_name(&store, estate.stuck, estate.anna).await, "Stuck, renamed");
    assert_eq!(deferred(&store).await, []);
}

async fn many_events_that_fail_do_not_starve_a_later_one(store: SharedStore) {
    let estate = Estate::new(&store).await;
    for number in 0..120 {
        rename(&estate.calm, estate.stuck, &format!("Stuck {number}")).await;
    }
    rename(&estate.calm, estate.other, "Other, renamed").await;
    // Another consumer deals with all renames.
    assert_eq!(catch_up(&estate.troubled(&store)).await.unwrap(), 1 + 121);
    assert_eq!(copied_name(&store, estate.other, estate.anna).await, "Other, renamed");
    estate.clock.advance(Duration::from_secs(1));
    while catch_up(&estate.calm).await.unwrap() > 0 {}
    assert_eq!(copied_name(&store, estate.stuck, estate.anna).await, "Stuck 119");
    assert_eq!(deferred(&store).await, []);
}

/// Workers of several processes number and follow events while others are committed.
async fn every_event_has_one_place_in_the_log_whoever_numbers_it(store: SharedStore) {
    let clock = Arc::new(ManualClock::at_now());
    add_foreign_cursor(&store, &clock).await;
    let service = Arc::new(support::service(Arc::clone(&store), clock.clone()));
    let mut running = tokio::task::JoinSet::new();
    for number in 0..24 {
        let service = Arc::new(support::service(Arc::clone(&store), clock.clone()));
        running.spawn(async move {
            if number % 3 == 0 {
                catch_up(&service).await.unwrap();
            } else {
                tenant(&service, &format!("tenant-{number}")).await;
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
    catch_up(&service).await.unwrap();
    let events = events(&store).await;
    let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (1..=16).collect::<Vec<u64>>());
    let mut tenants: Vec<_> = events.iter().map(|event| event.tenant_id.unwrap()).collect();
    tenants.sort_unstable();
    tenants.dedup();
    assert_eq!(tenants.len(), 16);
}

async fn no_event_is_trimmed_before_the_last_consumer_has_it(store: SharedStore) {
    let estate = Estate::new(&store).await;
    assert_eq!(events(&store).await, [], "all consumers have passed everything");
    add_foreign_cursor(&store, &estate.clock).await;
    rename(&estate.calm, estate.stuck, "Renamed").await;
    catch_up(&estate.calm).await.unwrap();
    estate.clock.advance(6 * DAY);
    catch_up(&estate.calm).await.unwrap();
    assert_eq!(events(&store).await.len(), 1, "a consumer of a later release has yet to see it");
    // It keeps nothing for ever once nobody runs it.
    estate.clock.advance(DAY);
    rename(&estate.calm, estate.stuck, "Renamed again").await;
    catch_up(&estate.calm).await.unwrap();
    assert_eq!(events(&store).await, []);
}

/// A worker was paused before its first commit; meanwhile another did the same work and went on.
async fn a_paused_worker_moves_no_cursor_back(store: SharedStore) {
    let estate = Estate::new(&store).await;
    rename(&estate.calm, estate.stuck, "First").await;
    let (calm, stuck) = (Arc::clone(&estate.calm), estate.stuck);
    let meanwhile: Meanwhile = Box::new(move || {
        Box::pin(async move {
            catch_up(&calm).await.unwrap();
            rename(&calm, stuck, "Second").await;
            catch_up(&calm).await.unwrap();
        })
    });
    // Where it goes on, which trimming keeps in the store.
    let position = async || {
        let cursor = store.load_unique::<Cursor>(&system().context, Cursor::key("copies")).await.unwrap();
        cursor.unwrap().position
    };
    let before = position().await;
    assert_eq!(catch_up(&interleaved(&store, meanwhile)).await.unwrap(), 0);
    assert_eq!(position().await, before + 2);
    assert_eq!(copied_name(&store, estate.stuck, estate.anna).await, "Second");
}

#[test]
fn consumers_have_names_of_their_own_and_follow_fields_that_exist() {
    let mut names: Vec<&str> = CONSUMERS.iter().map(|consumer| consumer.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CONSUMERS.len());
    assert!(!names.contains(&Cursor::LOG));
    for consumer in CONSUMERS {
        for follows in consumer.follows {
            let collection = match follows.action.name().split_once('.').unwrap().0 {
                "tenant" => &dezky::domain::tenant::TENANTS,
                "user" => &dezky::domain::user::USERS,
                "subscription" => &dezky::domain::subscription::SUBSCRIPTIONS,
                "membership" => &dezky::domain::membership::MEMBERSHIPS,
                "app_password" => &dezky::domain::app_password::APP_PASSWORDS,
                "domain" => &dezky::domain::tenant_domain::TENANT_DOMAINS,
                "mailbox" => &dezky::domain::mailbox::MAILBOXES,
                // Of no collection, and without fields.
                "workspace" if follows.fields.is_empty() => continue,
                other => panic!("{other} has no collection here"),
            };
            for field in follows.fields {
                assert!(collection.field(field).is_some(), "{} follows `{field}`", consumer.name);
            }
        }
    }
}

support::on_every_store! {
    an_event_that_fails_waits_for_its_retry_and_holds_up_none_of_the_others,
    many_events_that_fail_do_not_starve_a_later_one,
    every_event_has_one_place_in_the_log_whoever_numbers_it,
    no_event_is_trimmed_before_the_last_consumer_has_it,
    a_paused_worker_moves_no_cursor_back,
}
