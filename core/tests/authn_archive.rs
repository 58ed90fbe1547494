//! Tests of key sets in the store: a dead, slow or lying provider does not affect keys that were known, even across a
//! restart.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use dezky::{
    Error,
    authn::{
        Verifier, VerifierOptions,
        keys::{ArchivedKeySet, HttpKeySource, KEY_SETS, KeySetArchive, StoreArchive, StoredKeySet},
        token::KeyFamily,
    },
    clock::{Clock as _, Timestamp},
    context::RequestContext,
    store::{Commit, Query, Repository as _, SharedStore},
    test_kit::{Behaviour, DevelopmentIssuer, DevelopmentIssuerOptions, ManualClock},
};
use tokio::sync::watch;

const HOUR: Duration = Duration::from_secs(3_600);

/// The archive of the store, which counts saves.
#[derive(Debug)]
struct Telling {
    archive: StoreArchive,
    saves: watch::Sender<usize>,
}

#[async_trait]
impl KeySetArchive for Telling {
    async fn load(&self, issuer_id: &str) -> Result<Option<ArchivedKeySet>, Error> {
        self.archive.load(issuer_id).await
    }

    async fn save(&self, issuer_id: &str, set: &ArchivedKeySet) -> Result<(), Error> {
        let saved = self.archive.save(issuer_id, set).await;
        self.saves.send_modify(|saves| *saves += 1);
        saved
    }
}

/// A process that verifies tokens; the store, the clock and the provider outlive it.
struct Process {
    verifier: Verifier,
    archive: Arc<Telling>,
}

struct Fixture {
    issuer: DevelopmentIssuer,
    clock: Arc<ManualClock>,
    store: SharedStore,
}

impl Fixture {
    async fn new(store: SharedStore) -> Self {
        let clock = Arc::new(ManualClock::at_now());
        let options = DevelopmentIssuerOptions { family: KeyFamily::P256, clock: clock.clone(), ..Default::default() };
        Self { issuer: DevelopmentIssuer::start_with(options).await.unwrap(), clock, store }
    }

    fn start(&self) -> Process {
        let archive =
            Arc::new(Telling { archive: StoreArchive::new(Arc::clone(&self.store)), saves: watch::Sender::new(0) });
        let source = HttpKeySource::new(None).unwrap().with_timeout(Duration::from_millis(200));
        let settings = vec![self.issuer.settings("default")];
        let options = VerifierOptions::default();
        let verifier = Verifier::new(settings, Arc::new(source), archive.clone(), self.clock.clone(), options).unwrap();
        Process { verifier, archive }
    }

    fn token(&self) -> String {
        self.issuer.mint(&self.issuer.claims("anna").lasting(self.clock.now(), 20 * HOUR))
    }
}

impl Process {
    async fn code(&self, token: &str) -> &'static str {
        let context = RequestContext::new("test");
        self.verifier.verify(&context, token).await.map_or_else(|error| error.code(), |_| "ok")
    }

    async fn wait_for_saves(&self, count: usize) {
        self.archive.saves.subscribe().wait_for(|saves| *saves >= count).await.unwrap();
    }
}

async fn known_keys_serve_across_a_restart_whatever_the_provider_does(store: SharedStore) {
    let fixture = Fixture::new(store).await;
    let token = fixture.token();
    let first = fixture.start();
    assert_eq!(first.code(&token).await, "ok");
    first.wait_for_saves(1).await;
    drop(first);
    let stranger = {
        let options = DevelopmentIssuerOptions { family: KeyFamily::P256, ..Default::default() };
        DevelopmentIssuer::start_with(options).await.unwrap()
    };
    for behaviour in [
        Behaviour::Outage,
        Behaviour::Status(500),
        Behaviour::Html,
        Behaviour::NoKeys,
        Behaviour::EmptySet,
        Behaviour::GarbageKeys,
        Behaviour::Oversized,
        Behaviour::Truncated,
        Behaviour::Redirect(stranger.jwks_url().to_owned()),
    ] {
        fixture.issuer.behave(behaviour.clone());
        let restarted = fixture.start();
        assert_eq!(restarted.code(&token).await, "ok", "{behaviour:?}");
        let status = restarted.verifier.refresh().await.remove(0);
        assert!(status.ready() && status.last_error.is_some(), "{behaviour:?}: {status:?}");
        // A refused set is not saved either: the next restart still has the good set.
        assert_eq!(fixture.start().code(&token).await, "ok", "{behaviour:?}");
    }
    fixture.issuer.behave(Behaviour::Normal);
    fixture.issuer.hold(true);
    assert_eq!(fixture.start().code(&token).await, "ok", "a provider that does not answer in time");
    fixture.issuer.hold(false);
    fixture.issuer.behave(Behaviour::Outage);
    fixture.clock.advance(24 * HOUR + Duration::from_secs(1));
    assert_eq!(fixture.start().code(&fixture.token()).await, "issuer_unavailable", "the bound of 24 hours");
}

async fn a_removed_key_stays_removed_across_a_restart(store: SharedStore) {
    let fixture = Fixture::new(store).await;
    let old = fixture.token();
    let process = fixture.start();
    assert_eq!(process.code(&old).await, "ok");
    fixture.issuer.rotate().unwrap();
    fixture.issuer.retire_old_keys();
    fixture.clock.advance(HOUR);
    assert_eq!(process.code(&old).await, "token_key_unknown");
    process.wait_for_saves(2).await;
    fixture.issuer.outage(true);
    let restarted = fixture.start();
    assert_eq!(restarted.code(&old).await, "token_key_unknown");
    assert_eq!(restarted.code(&fixture.token()).await, "ok");
}

fn kept(text: &str, origin: &str, second: i64) -> ArchivedKeySet {
    let fetched_at = Timestamp::from_seconds(1_772_366_400 + second);
    ArchivedKeySet { json: text.to_owned(), origin: origin.to_owned(), fetched_at }
}

async fn the_latest_set_of_each_issuer_is_kept(store: SharedStore) {
    let archive = StoreArchive::new(Arc::clone(&store));
    assert_eq!(archive.load("first").await.unwrap(), None);
    archive.save("first", &kept("one", "a", 10)).await.unwrap();
    archive.save("second", &kept("other", "a", 5)).await.unwrap();
    assert_eq!(archive.load("first").await.unwrap(), Some(kept("one", "a", 10)));
    archive.save("first", &kept("two", "a", 20)).await.unwrap();
    archive.save("first", &kept("late", "a", 15)).await.unwrap();
    assert_eq!(archive.load("first").await.unwrap(), Some(kept("two", "a", 20)), "an older fetch changes nothing");
    archive.save("first", &kept("moved", "b", 12)).await.unwrap();
    assert_eq!(archive.load("first").await.unwrap(), Some(kept("moved", "b", 12)), "other settings do");
    assert_eq!(archive.load("second").await.unwrap(), Some(kept("other", "a", 5)));
}

async fn of_sets_that_are_saved_at_the_same_time_the_latest_is_kept(store: SharedStore) {
    let saves = (0..16).map(|number| {
        let archive = StoreArchive::new(Arc::clone(&store));
        tokio::spawn(async move { archive.save("default", &kept(&format!("set {number}"), "a", number)).await })
    });
    for saved in futures_util::future::join_all(saves).await {
        saved.unwrap().unwrap();
    }
    let context = RequestContext::new("test");
    let sets: Vec<StoredKeySet> = store.load_all(&context, &Query::new(&KEY_SETS)).await.unwrap();
    assert_eq!(sets.len(), 1);
    assert_eq!(StoreArchive::new(store).load("default").await.unwrap(), Some(kept("set 15", "a", 15)));
}

async fn a_kept_set_that_is_damaged_is_fetched_anew(store: SharedStore) {
    let fixture = Fixture::new(store).await;
    let process = fixture.start();
    assert_eq!(process.code(&fixture.token()).await, "ok");
    process.wait_for_saves(1).await;
    let context = RequestContext::new("test");
    let mut set: StoredKeySet = fixture.store.load_all(&context, &Query::new(&KEY_SETS)).await.unwrap().remove(0);
    let mut commit = Commit::new();
    set.json = "{\"keys\":[{}]}".to_owned();
    set.version += 1;
    commit.update(&set, set.version - 1).unwrap();
    fixture.store.commit(&context, &commit).await.unwrap();
    assert_eq!(fixture.start().code(&fixture.token()).await, "ok");
    fixture.issuer.outage(true);
    assert_eq!(fixture.start().code(&fixture.token()).await, "issuer_unavailable");
}

support::on_every_store! {
    known_keys_serve_across_a_restart_whatever_the_provider_does,
    a_removed_key_stays_removed_across_a_restart,
    the_latest_set_of_each_issuer_is_kept,
    of_sets_that_are_saved_at_the_same_time_the_latest_is_kept,
    a_kept_set_that_is_damaged_is_fetched_anew,
}
