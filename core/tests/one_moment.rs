//! A use case decides at one time: run again at that time, it proposes the same commit, byte for byte but for the ids that it makes up.
//! The host of a component writes only what it comes to itself, so that whatever reads the clock twice is refused through a component.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use axum::{Router, body::Body};
use bytes::Bytes;
use dezky::{
    Result,
    authn::{
        Verifier, VerifierOptions,
        keys::{HttpKeySource, StoreArchive},
    },
    authz::policy::POLICY,
    clock::{Clock, Timestamp},
    context::RequestContext,
    domain::{ObjectId, audit::AUDIT_EVENTS},
    http::{HttpState, TokenIdentity, unidentified},
    service::{Call, Service, SubjectHasher},
    store::{Change, ChangeNotice, Collection, Commit, Document, Query, SharedStore, Store, StoreError, StoreResult},
    test_kit::{
        ManualClock,
        cases::{Edge, NativeStage, Setup, Stage, Suite},
    },
};
use futures_util::stream::BoxStream;
use http::{Request, Response};
use serde_json::Value;
use tower::ServiceExt as _;

/// How far the clock of a run is off that of the case, so that no reading is a time that the case itself names.
const OFF: Duration = Duration::from_millis(16);

/// Most commits of one run. A first request makes its user again and again, since it never finds the one that was kept back.
const COMMITS: usize = 3;

/// One run of a request: when it is, and the commits that it came to.
#[derive(Debug)]
struct Run {
    /// All readings of the clock that were allowed to differ; none where it stands still.
    readings: Mutex<Vec<Timestamp>>,
    stands_at: Option<Timestamp>,
    commits: Mutex<Vec<Commit>>,
}

tokio::task_local! {
    static RUN: Arc<Run>;
}

/// A clock that moves whenever it is read, or stands still for a run.
#[derive(Debug)]
struct RunClock(Arc<ManualClock>);

impl Clock for RunClock {
    fn now(&self) -> Timestamp {
        RUN.with(|run| {
            run.stands_at.unwrap_or_else(|| {
                let mut readings = run.readings.lock().unwrap();
                let now = readings.last().copied().unwrap_or(self.0.now().plus(OFF)).plus(Duration::from_millis(1));
                readings.push(now);
                now
            })
        })
    }
}

/// Reads from a store, and keeps back what is to be written.
#[derive(Debug)]
struct KeepingStore(SharedStore);

#[async_trait]
impl Store for KeepingStore {
    async fn get(
        &self,
        context: &RequestContext,
        collection: &'static Collection,
        id: ObjectId,
    ) -> StoreResult<Option<Document>> {
        self.0.get(context, collection, id).await
    }

    async fn find(&self, context: &RequestContext, query: &Query) -> StoreResult<Vec<Document>> {
        self.0.find(context, query).await
    }

    async fn count(&self, context: &RequestContext, query: &Query) -> StoreResult<u64> {
        self.0.count(context, query).await
    }

    async fn commit(&self, _: &RequestContext, commit: &Commit) -> StoreResult<()> {
        RUN.with(|run| {
            let mut commits = run.commits.lock().unwrap();
            if commits.len() == COMMITS {
                return Err(StoreError::Unsupported { detail: "these are enough".to_owned() });
            }
            commits.push(commit.clone());
            Ok(())
        })
    }

    fn changes(&self) -> Option<BoxStream<'static, ChangeNotice>> {
        None
    }

    async fn health(&self, context: &RequestContext) -> StoreResult<()> {
        self.0.health(context).await
    }
}

/// Hashes with the key of the stored platform, so that both runs hash alike.
#[derive(Debug)]
struct StoredHasher(Service);

#[async_trait]
impl SubjectHasher for StoredHasher {
    async fn subject_hash(&self, call: &Call, issuer_id: &str, subject: &str) -> Result<String> {
        self.0.subject_hash(call, issuer_id, subject).await
    }
}

/// What all requests have shown.
#[derive(Debug, Default)]
struct Seen {
    collections: BTreeSet<&'static str>,
    actions: BTreeSet<String>,
    differences: Vec<String>,
}

/// The native router, which answers, and before it runs of each request that write nothing.
#[derive(Debug)]
struct TwiceStage {
    stores: NativeStage,
    seen: Arc<Mutex<Seen>>,
}

#[async_trait]
impl Stage for TwiceStage {
    async fn store(&self) -> Result<SharedStore> {
        self.stores.store().await
    }

    async fn edge(&self, setup: Setup) -> Result<Box<dyn Edge>> {
        let Setup { store, clock, issuers, service } = setup.clone();
        let verifier = Verifier::new(
            issuers,
            Arc::new(HttpKeySource::new(None)?),
            Arc::new(StoreArchive::new(Arc::clone(&store))),
            clock.clone(),
            VerifierOptions::default(),
        )?;
        let hasher = StoredHasher(Service::new(Arc::clone(&store), clock.clone(), service.clone()));
        let kept = Service::new(Arc::new(KeepingStore(store)), Arc::new(RunClock(clock)), service)
            .with_subject_hasher(Arc::new(hasher))
            // What a token's first use takes away is a decision of its own, which the answering router makes.
            .without_first_uses();
        let router = unidentified(HttpState::new(Arc::new(kept), Arc::new(TokenIdentity::new(verifier))));
        Ok(Box::new(TwiceEdge { answering: self.stores.edge(setup).await?, router, seen: Arc::clone(&self.seen) }))
    }
}

#[derive(Debug)]
struct TwiceEdge {
    answering: Box<dyn Edge>,
    router: Router,
    seen: Arc<Mutex<Seen>>,
}

#[async_trait]
impl Edge for TwiceEdge {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        self.compare(&request).await;
        self.answering.send(request).await
    }
}

impl TwiceEdge {
    /// Runs a request with a clock that moves, and for each of its commits once more with one that stands at the time of that commit.
    async fn compare(&self, request: &Request<Bytes>) {
        let moving = self.run(request, None).await;
        let (commits, readings) = (moving.commits.lock().unwrap().clone(), moving.readings.lock().unwrap().clone());
        for (number, commit) in commits.iter().enumerate() {
            let written = text(commit);
            let times: Vec<_> = readings.iter().filter(|time| written.contains(&time.to_string())).collect();
            // What shows no time may rest on one all the same.
            let time = times.first().copied().or(readings.first()).copied();
            let again = self.run(request, time).await;
            let again = again.commits.lock().unwrap().get(number).map(text);
            self.saw(request, commit, &times, &written, again.as_deref());
        }
    }

    fn saw(&self, request: &Request<Bytes>, commit: &Commit, times: &[&Timestamp], written: &str, again: Option<&str>) {
        let mut seen = self.seen.lock().unwrap();
        seen.collections.extend(commit.changes.iter().map(|change| change.collection().name));
        for change in &commit.changes {
            if let Change::Insert { collection, json, .. } = change
                && *collection == &AUDIT_EVENTS
            {
                let event: Value = serde_json::from_str(json).unwrap();
                seen.actions.insert(event["action"].as_str().unwrap().to_owned());
            }
        }
        if times.len() > 1 || again != Some(written) {
            let (method, uri) = (request.method(), request.uri());
            let again = again.unwrap_or("nothing");
            seen.differences.push(format!("{method} {uri}: times {times:?}\nproposed {written}\nand again {again}"));
        }
    }

    async fn run(&self, request: &Request<Bytes>, stands_at: Option<Timestamp>) -> Run {
        let mut copy = Request::new(Body::from(request.body().clone()));
        copy.method_mut().clone_from(request.method());
        copy.uri_mut().clone_from(request.uri());
        copy.headers_mut().clone_from(request.headers());
        copy.extensions_mut().insert(RequestContext::new("twice"));
        let run = Arc::new(Run { readings: Mutex::default(), stands_at, commits: Mutex::default() });
        let answer = RUN.scope(Arc::clone(&run), self.router.clone().oneshot(copy)).await.unwrap();
        // With the answer goes whatever holds the run.
        drop(answer);
        Arc::into_inner(run).unwrap()
    }
}

/// All of a commit, with the ids that it makes up in the order in which it does.
fn text(commit: &Commit) -> String {
    let mut text = String::new();
    for change in &commit.changes {
        let (collection, id) = (change.collection().name, change.id());
        match change {
            Change::Insert { json, unique_keys, .. } => {
                writeln!(text, "insert {collection} {id} {json} {unique_keys:?}")
            }
            Change::Update { expected, json, unique_keys, .. } => {
                writeln!(text, "update {collection} {id} at {expected} {json} {unique_keys:?}")
            }
            Change::Delete { expected, .. } => writeln!(text, "delete {collection} {id} at {expected}"),
        }
        .unwrap();
    }
    for guard in &commit.guards {
        writeln!(text, "guard {} {} {:?}", guard.collection.name, guard.id, guard.expect).unwrap();
    }
    let inserted = commit.changes.iter().filter(|change| matches!(change, Change::Insert { .. }));
    for (number, id) in std::iter::once(commit.id).chain(inserted.map(Change::id)).enumerate() {
        text = text.replace(&id.to_string(), &format!("<new {number}>"));
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn every_writing_request_of_the_shared_cases_proposes_the_same_twice() {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let stage = TwiceStage { stores: NativeStage::on_sqlite().unwrap(), seen: Arc::clone(&seen) };
    if let Err(report) = Suite::of("twice").recording(None).run(&stage).await {
        panic!("{report}");
    }
    let seen = seen.lock().unwrap();
    let differences = &seen.differences;
    assert!(differences.is_empty(), "{} differ, the first:\n{}", differences.len(), differences[0]);
    let reads = |name: &&str| name.contains(".read") || name.contains(".list");
    for action in POLICY.iter().map(|rule| rule.name).filter(|name| !reads(name)) {
        assert!(seen.actions.contains(action), "no case does `{action}`: {:?}", seen.actions);
    }
    for collection in ["ended_sessions", "idempotency_records", "user_activity", "audit_details", "outbox"] {
        assert!(seen.collections.contains(collection), "{collection}: {:?}", seen.collections);
    }
}
