//! A store whose calls are spans of the requests that make them.

use std::time::Instant;

use async_trait::async_trait;
use dezky::{
    context::RequestContext,
    domain::ObjectId,
    store::{ChangeNotice, Collection, Commit, Document, Query, Read, SharedStore, Store, StoreError, StoreResult},
};
use futures_util::stream::BoxStream;

use super::measured::kind;
use crate::server::{StoreCall, StoreSpans};

/// Forwards every call, and exports a span of those that belong to a recorded trace.
#[derive(Debug)]
pub(super) struct TracedStore {
    store: SharedStore,
    spans: StoreSpans,
    system: &'static str,
}

impl TracedStore {
    pub(super) fn new(store: SharedStore, spans: StoreSpans, system: &'static str) -> Self {
        Self { store, spans, system }
    }

    async fn traced<T>(
        &self,
        context: &RequestContext,
        operation: &'static str,
        collection: Option<&'static Collection>,
        call: impl Future<Output = StoreResult<T>>,
    ) -> StoreResult<T> {
        let Some(begun) = StoreSpans::begin(context.trace) else { return call.await };
        let started = Instant::now();
        let result = call.await;
        let error = result.as_ref().err();
        let call = StoreCall {
            system: self.system,
            operation,
            collection: collection.map(|collection| collection.name),
            error: error.map(kind),
            failed: error.is_some_and(|error| !is_expected(error)),
        };
        self.spans.end(begun, call, started.elapsed());
        result
    }
}

/// Returns `true` for the conflicts by which writers find out about each other.
const fn is_expected(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::DuplicateKey { .. } | StoreError::VersionConflict { .. } | StoreError::GuardFailed { .. }
    )
}

#[async_trait]
impl Store for TracedStore {
    async fn get(
        &self,
        context: &RequestContext,
        collection: &'static Collection,
        id: ObjectId,
    ) -> StoreResult<Option<Document>> {
        self.traced(context, "get", Some(collection), self.store.get(context, collection, id)).await
    }

    async fn find(&self, context: &RequestContext, query: &Query) -> StoreResult<Vec<Document>> {
        self.traced(context, "find", Some(query.collection), self.store.find(context, query)).await
    }

    async fn read(&self, context: &RequestContext, reads: &[Read]) -> StoreResult<Vec<Vec<Document>>> {
        self.traced(context, "read", None, self.store.read(context, reads)).await
    }

    async fn commit(&self, context: &RequestContext, commit: &Commit) -> StoreResult<()> {
        self.traced(context, "commit", None, self.store.commit(context, commit)).await
    }

    fn changes(&self) -> Option<BoxStream<'static, ChangeNotice>> {
        self.store.changes()
    }

    async fn health(&self, context: &RequestContext) -> StoreResult<()> {
        self.store.health(context).await
    }
}
