//! How `GET /users/me` uses the store: few waves of reads, one after the other, and no commit when nothing changed.
//!
//! A call belongs to the wave after those of all calls that had ended when it began. On a store across a network, each
//! wave costs one round trip.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use dezky::{
    authn::{
        Verifier, VerifierOptions,
        keys::{HttpKeySource, NoArchive},
    },
    clock::SystemClock,
    context::RequestContext,
    development_issuer::DevelopmentIssuer,
    domain::ObjectId,
    http::{HttpState, TokenIdentity, router},
    service::{Service, ServiceSettings, operation::SeedSettings},
    store::{ChangeNotice, Collection, Commit, Document, Query, Store, StoreResult, sqlite::SqliteStore},
};
use futures_util::stream::BoxStream;
use http::Request;
use tower::ServiceExt as _;

/// What was asked of the store.
#[derive(Debug, Default)]
struct Record {
    /// The wave of each read, with what it read.
    reads: Vec<(usize, String)>,
    /// The largest wave of a call that has ended.
    ended: usize,
    commits: usize,
}

/// A store that keeps a record. It gives way once in each read, as a store across a network does, so that reads that are
/// made together are under way together.
#[derive(Debug)]
struct Recording {
    store: SqliteStore,
    record: Mutex<Record>,
}

impl Recording {
    async fn read<T>(&self, what: String, read: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
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
        self.read(format!("get {}", collection.name), self.store.get(context, collection, id)).await
    }

    async fn find(&self, context: &RequestContext, query: &Query) -> StoreResult<Vec<Document>> {
        self.read(format!("find {}", query.collection.name), self.store.find(context, query)).await
    }

    async fn count(&self, context: &RequestContext, query: &Query) -> StoreResult<u64> {
        self.read(format!("count {}", query.collection.name), self.store.count(context, query)).await
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

#[tokio::test]
async fn a_profile_takes_at_most_four_waves_of_reads_and_no_commit_when_nothing_changed() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("dezky.sqlite"), Default::default(), dezky::COLLECTIONS).unwrap();
    let recording = Arc::new(Recording { store, record: Mutex::default() });
    let issuer = DevelopmentIssuer::start().await.unwrap();
    let verifier = Verifier::new(
        vec![issuer.settings("default")],
        Arc::new(HttpKeySource::new(None).unwrap()),
        Arc::new(NoArchive),
        Arc::new(SystemClock),
        VerifierOptions::default(),
    )
    .unwrap();
    let service = Arc::new(Service::new(recording.clone(), Arc::new(SystemClock), ServiceSettings::default()));
    service.seed(&SeedSettings::default()).await.unwrap();
    let api = router(HttpState::new(service, Arc::new(TokenIdentity::new(verifier))));
    let token = issuer.mint(&issuer.claims("anna").groups(["dezky", "no tenant's"]));
    let profile = || {
        let request = Request::get("/users/me").header("authorization", format!("Bearer {token}"));
        api.clone().oneshot(request.body(axum::body::Body::empty()).unwrap())
    };

    assert_eq!(profile().await.unwrap().status(), 200);
    assert!(recording.record.lock().unwrap().commits > 0, "the first call makes user and membership");

    *recording.record.lock().unwrap() = Record::default();
    assert_eq!(profile().await.unwrap().status(), 200);
    let record = recording.record.lock().unwrap();
    assert_eq!(record.commits, 0);
    assert!((1..=4).contains(&record.ended), "{:#?}", record.reads);
}
