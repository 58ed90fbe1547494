//! Tests the number of round trips to the store: at most two for every get and list, one for `GET /users/me`, and no
//! commit if nothing changed. A token that was used before costs no more than one that revokes nothing.
//!
//! A call belongs to the wave after those of all calls that had ended when it began. On a store across a network, each
//! wave costs one round trip. The tests of the MongoDB store count the commands sent to MongoDB.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "support/every_read.rs"]
mod every_read;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use dezky::{
    context::RequestContext,
    domain::ObjectId,
    store::{ChangeNotice, Collection, Commit, Document, Query, Read, Store, StoreResult, sqlite::SqliteStore},
};
use every_read::Api;
use futures_util::stream::BoxStream;

/// The calls of the store.
#[derive(Debug, Default)]
struct Record {
    /// Each read with its wave.
    reads: Vec<(usize, String)>,
    /// The largest wave of a finished call.
    ended: usize,
    commits: usize,
}

/// A store that records its calls.
///
/// It yields once in each read, like a store across a network, so that concurrent reads overlap.
#[derive(Debug)]
struct Recording {
    store: SqliteStore,
    record: Mutex<Record>,
}

impl Recording {
    /// Takes the record since the last time.
    fn take(&self) -> Record {
        std::mem::take(&mut *self.record.lock().unwrap())
    }

    async fn read_once<T>(&self, what: String, read: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
        let wave = {
            let mut record = self.record.lock().unwrap();
            let wave = record.ended + 1;
            record.reads.push((wave, what));
            wave
        };
        tokio::task::yield_now().await;
        let result = read.await;
        let mut record = self.record.lock().unwrap();
        record.ended = record.ended.max(wave);
        result
    }
}

#[async_trait]
impl Store for Recording {
    async fn get(
        &self,
        context: &RequestContext,
        collection: &'static Collection,
        id: ObjectId,
    ) -> StoreResult<Option<Document>> {
        self.read_once(format!("get {}", collection.name), self.store.get(context, collection, id)).await
    }

    async fn find(&self, context: &RequestContext, query: &Query) -> StoreResult<Vec<Document>> {
        self.read_once(format!("find {}", query.collection.name), self.store.find(context, query)).await
    }

    async fn read(&self, context: &RequestContext, reads: &[Read]) -> StoreResult<Vec<Vec<Document>>> {
        let names: Vec<_> = reads.iter().map(|read| read.query.collection.name).collect();
        self.read_once(format!("read {}", names.join(", ")), self.store.read(context, reads)).await
    }

    async fn commit(&self, context: &RequestContext, commit: &Commit) -> StoreResult<()> {
        self.record.lock().unwrap().commits += 1;
        self.store.commit(context, commit).await
    }

    fn changes(&self) -> Option<BoxStream<'static, ChangeNotice>> {
        self.store.changes()
    }

    async fn health(&self, context: &RequestContext) -> StoreResult<()> {
        self.store.health(context).await
    }
}

/// An API with a recording store.
struct Watched {
    recording: Arc<Recording>,
    api: Api,
    _folder: tempfile::TempDir,
}

impl Watched {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("dezky.sqlite"), Default::default(), dezky::COLLECTIONS);
        let recording = Arc::new(Recording { store: store.unwrap(), record: Mutex::default() });
        Self { api: Api::new(recording.clone()).await, recording, _folder: folder }
    }

    /// Sends a request and returns its store calls.
    async fn ask(&self, path: &str, token: &str) -> Record {
        self.recording.take();
        self.api.get(path, token).await;
        self.recording.take()
    }
}

#[tokio::test]
async fn a_token_that_was_used_before_costs_what_one_does_that_takes_nothing_away() {
    let watched = Watched::new().await;
    let claims = |later: i64| {
        let claims = watched.api.issuer.claims("anna").groups(["dezky"]);
        let issued = claims.json()["iat"].as_i64().unwrap();
        claims.with("iat", issued + later)
    };
    watched.ask("/users/me", &watched.api.issuer.mint(&claims(0))).await;
    for (number, path) in (1..).zip(["/tenants/dezky", "/tenants", "/users/me/tenants", "/subscriptions"]) {
        let silent = watched.api.issuer.mint(&claims(number).without("groups"));
        let usual = watched.ask(path, &silent).await;
        assert_eq!(usual.commits, 0, "{path}");
        let token = watched.api.issuer.mint(&claims(number));
        // One round trip for the revocations, and one to read the rights again.
        let first = watched.ask(path, &token).await;
        assert_eq!((first.commits, first.ended), (1, usual.ended + 2), "{path}: {:#?}", first.reads);
        let again = watched.ask(path, &token).await;
        assert_eq!((again.commits, &again.reads), (0, &usual.reads), "{path}");
        // The same if the profile was requested with the token first.
        let token = watched.api.issuer.mint(&claims(number).with("jti", "another"));
        watched.ask("/users/me", &token).await;
        assert_eq!(watched.ask(path, &token).await.reads, again.reads, "{path}");
    }
    // A token whose age is only known from its session costs no additional read or write either.
    let of_session = watched.api.issuer.mint(&claims(9).without("groups").without("auth_time"));
    assert_eq!(watched.ask("/tenants", &of_session).await.commits, 1);
    let again = watched.ask("/tenants", &of_session).await;
    let usual = watched.ask("/tenants", &watched.api.issuer.mint(&claims(9).without("groups"))).await;
    assert_eq!((again.commits, again.reads), (0, usual.reads));
}

#[tokio::test]
async fn a_profile_takes_one_read_and_no_commit_when_nothing_changed() {
    let watched = Watched::new().await;
    let token = watched.api.issuer.mint(&watched.api.issuer.claims("anna").groups(["dezky", "no tenant's"]));
    assert!(watched.ask("/users/me", &token).await.commits > 0, "the first call makes user and membership");
    let record = watched.ask("/users/me", &token).await;
    assert_eq!(record.commits, 0);
    assert_eq!(record.reads.len(), 1, "{:#?}", record.reads);
}

#[tokio::test]
async fn every_get_and_list_takes_at_most_two_waves_of_reads() {
    let watched = Watched::new().await;
    let mut largest = 0;
    let look = |path: Option<&str>| {
        let record = watched.recording.take();
        if let Some(path) = path {
            assert!((1..=2).contains(&record.ended), "{path}: {:#?}", record.reads);
            assert_eq!(record.commits, 0, "{path}");
            largest = largest.max(record.ended);
        }
    };
    watched.api.each_read(look).await;
    assert_eq!(largest, 2);
}
