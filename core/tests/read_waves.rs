//! How requests use the store: `GET /users/me` by few waves of reads, one after the other, and no commit when nothing changed; a
//! token that was used before by no more than one that has nothing to take away.
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

/// An API that keeps a record, and an issuer.
struct Watched {
    recording: Arc<Recording>,
    issuer: DevelopmentIssuer,
    api: axum::Router,
    _folder: tempfile::TempDir,
}

impl Watched {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("dezky.sqlite"), Default::default(), dezky::COLLECTIONS);
        let recording = Arc::new(Recording { store: store.unwrap(), record: Mutex::default() });
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
        Self { recording, issuer, api, _folder: folder }
    }

    /// What a request asks of the store.
    async fn ask(&self, path: &str, token: &str) -> Record {
        *self.recording.record.lock().unwrap() = Record::default();
        let request = Request::get(path).header("authorization", format!("Bearer {token}"));
        let answer = self.api.clone().oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        std::mem::take(&mut *self.recording.record.lock().unwrap())
    }
}

#[tokio::test]
async fn a_token_that_was_used_before_costs_what_one_does_that_takes_nothing_away() {
    let watched = Watched::new().await;
    let claims = |later: i64| {
        let claims = watched.issuer.claims("anna").groups(["dezky"]);
        let issued = claims.json()["iat"].as_i64().unwrap();
        claims.with("iat", issued + later)
    };
    watched.ask("/users/me", &watched.issuer.mint(&claims(0))).await;
    for (number, path) in (1..).zip(["/tenants/dezky", "/tenants", "/users/me/tenants", "/subscriptions"]) {
        let silent = watched.issuer.mint(&claims(number).without("groups"));
        let usual = watched.ask(path, &silent).await;
        assert_eq!(usual.commits, 0, "{path}");
        let token = watched.issuer.mint(&claims(number));
        let first = watched.ask(path, &token).await;
        assert_eq!((first.commits, first.ended), (1, usual.ended + 1), "{path}: {:#?}", first.reads);
        let again = watched.ask(path, &token).await;
        assert_eq!((again.commits, &again.reads), (0, &usual.reads), "{path}");
        // So does one that the profile was asked with first.
        let token = watched.issuer.mint(&claims(number).with("jti", "another"));
        watched.ask("/users/me", &token).await;
        assert_eq!(watched.ask(path, &token).await.reads, again.reads, "{path}");
    }
    // Nor does a token whose age only its session tells cost a read, or a write, more.
    let of_session = watched.issuer.mint(&claims(9).without("groups").without("auth_time"));
    assert_eq!(watched.ask("/tenants", &of_session).await.commits, 1);
    let again = watched.ask("/tenants", &of_session).await;
    let usual = watched.ask("/tenants", &watched.issuer.mint(&claims(9).without("groups"))).await;
    assert_eq!((again.commits, again.reads), (0, usual.reads));
}

#[tokio::test]
async fn a_profile_takes_at_most_four_waves_of_reads_and_no_commit_when_nothing_changed() {
    let watched = Watched::new().await;
    let token = watched.issuer.mint(&watched.issuer.claims("anna").groups(["dezky", "no tenant's"]));
    assert!(watched.ask("/users/me", &token).await.commits > 0, "the first call makes user and membership");
    let record = watched.ask("/users/me", &token).await;
    assert_eq!(record.commits, 0);
    assert!((1..=4).contains(&record.ended), "{:#?}", record.reads);
}
