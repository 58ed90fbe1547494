//! What a request writes, found out by the host itself: the use case runs natively, over a store that keeps its commit back.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use axum::Router;
use dezky::{
    Result,
    clock::{Clock, Timestamp},
    context::RequestContext,
    domain::ObjectId,
    http::HttpState,
    service::{Call, Principal, Service, SubjectHasher},
    store::{ChangeNotice, Collection, Commit, Document, Query, SharedStore, Store, StoreError, StoreResult},
};
use futures_util::stream::BoxStream;
use http::StatusCode;
use tower::ServiceExt as _;

use super::Asked;
use crate::component::Platform;

/// The time of a rehearsal, and the commit that it came to.
#[derive(Debug)]
struct Stage {
    now: Timestamp,
    kept: Mutex<Option<Commit>>,
}

tokio::task_local! {
    static STAGE: Arc<Stage>;
}

/// What a request comes to.
pub(super) enum Outcome {
    /// It writes this.
    Writes(Commit),
    /// It writes nothing, and is answered with this status.
    Nothing(StatusCode),
}

/// The routes of the API over a store that writes nothing.
#[derive(Clone)]
pub(crate) struct Rehearsals(Router);

impl fmt::Debug for Rehearsals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Rehearsals")
    }
}

impl Rehearsals {
    /// With the store, the clock and the settings of a platform.
    pub(crate) fn new(platform: &Platform) -> Self {
        let store = Arc::new(KeepingStore(Arc::clone(platform.service.store())));
        let clock = Arc::new(StageClock(Arc::clone(&platform.clock)));
        let service = Service::new(store, clock, platform.service.settings().clone())
            .with_subject_hasher(Arc::new(HostHasher(Arc::clone(&platform.service))))
            .without_first_uses();
        Self(dezky::http::unidentified(HttpState::new(Arc::new(service), Arc::clone(&platform.identity))))
    }

    /// Runs a request by this caller, at this time.
    pub(super) async fn run(&self, asked: &Asked, call: &Call, now: Timestamp) -> Outcome {
        let mut request = asked.again();
        let Principal::Token(token) = &call.principal else { return Outcome::Nothing(StatusCode::UNAUTHORIZED) };
        // The token is verified; a principal in the extensions is not asked for one again.
        request.extensions_mut().insert(Principal::Token(Arc::clone(token)));
        request.extensions_mut().insert(call.context.clone());
        let stage = Arc::new(Stage { now, kept: Mutex::new(None) });
        let response = match STAGE.scope(Arc::clone(&stage), self.0.clone().oneshot(request)).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let kept = stage.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        match kept {
            Some(commit) if response.status().is_success() => Outcome::Writes(commit),
            _ => Outcome::Nothing(response.status()),
        }
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
        let kept = STAGE.try_with(|stage| {
            let mut kept = stage.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.is_none().then(|| *kept = Some(commit.clone())).is_some()
        });
        if kept == Ok(true) {
            return Ok(());
        }
        Err(StoreError::Unsupported { detail: "a request has one commit".to_owned() })
    }

    fn changes(&self) -> Option<BoxStream<'static, ChangeNotice>> {
        None
    }

    async fn health(&self, context: &RequestContext) -> StoreResult<()> {
        self.0.health(context).await
    }
}

/// The time of the rehearsal, so that what is written has the times that the component shows.
#[derive(Debug)]
struct StageClock(Arc<dyn Clock>);

impl Clock for StageClock {
    fn now(&self) -> Timestamp {
        STAGE.try_with(|stage| stage.now).unwrap_or_else(|_| self.0.now())
    }
}

/// Hashes with the host's key, which is written at its first use.
#[derive(Debug)]
struct HostHasher(Arc<Service>);

#[async_trait]
impl SubjectHasher for HostHasher {
    async fn subject_hash(&self, call: &Call, issuer_id: &str, subject: &str) -> Result<String> {
        self.0.subject_hash(call, issuer_id, subject).await
    }
}
