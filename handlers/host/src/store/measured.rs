//! A store that counts errors, and whose calls are spans of the requests that make them.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use dezky::{
    context::RequestContext,
    domain::ObjectId,
    store::{ChangeNotice, Collection, Commit, Document, Query, Read, SharedStore, Store, StoreError, StoreResult},
};
use futures_util::stream::BoxStream;

use crate::server::{Metrics, StoreCall, StoreSpans};

/// Forwards every call, counts the errors by operation and kind, and exports spans of calls that belong to a recorded trace.
#[derive(Debug)]
pub(super) struct MeasuredStore {
    store: SharedStore,
    metrics: Arc<Metrics>,
    /// Export of spans, if there is one.
    spans: Option<StoreSpans>,
    /// Name of the database system in OpenTelemetry's conventions.
    system: &'static str,
}

impl MeasuredStore {
    pub(super) fn new(
        store: SharedStore,
        metrics: Arc<Metrics>,
        spans: Option<StoreSpans>,
        system: &'static str,
    ) -> Self {
        Self { store, metrics, spans, system }
    }

    async fn measured<T>(
        &self,
        context: &RequestContext,
        operation: &'static str,
        collection: Option<&'static Collection>,
        call: impl Future<Output = StoreResult<T>>,
    ) -> StoreResult<T> {
        let spans = self.spans.as_ref();
        let begun = spans.and_then(|spans| Some((spans, StoreSpans::begin(context.trace)?, Instant::now())));
        let result = call.await;
        let error = result.as_ref().err();
        if let Some(error) = error {
            self.metrics.count_store_error(operation, kind(error));
        }
        if let Some((spans, begun, started)) = begun {
            let call = StoreCall {
                system: self.system,
                operation,
                collection: collection.map(|collection| collection.name),
                error: error.map(kind),
                failed: error.is_some_and(|error| !is_expected(error)),
            };
            spans.end(begun, call, started.elapsed());
        }
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

const fn kind(error: &StoreError) -> &'static str {
    match error {
        StoreError::DuplicateKey { .. } => "duplicate_key",
        StoreError::VersionConflict { .. } => "version_conflict",
        StoreError::GuardFailed { .. } => "guard_failed",
        StoreError::Unavailable { .. } => "unavailable",
        StoreError::Timeout => "timeout",
        StoreError::Corrupt { .. } => "corrupt",
        StoreError::Unsupported { .. } => "unsupported",
        StoreError::NotUpgraded { .. } => "not_upgraded",
        StoreError::NewerSchema { .. } => "newer_schema",
        StoreError::Configuration { .. } => "configuration",
    }
}

#[async_trait]
impl Store for MeasuredStore {
    async fn get(
        &self,
        context: &RequestContext,
        collection: &'static Collection,
        id: ObjectId,
    ) -> StoreResult<Option<Document>> {
        self.measured(context, "get", Some(collection), self.store.get(context, collection, id)).await
    }

    async fn find(&self, context: &RequestContext, query: &Query) -> StoreResult<Vec<Document>> {
        self.measured(context, "find", Some(query.collection), self.store.find(context, query)).await
    }

    async fn read(&self, context: &RequestContext, reads: &[Read]) -> StoreResult<Vec<Vec<Document>>> {
        self.measured(context, "read", None, self.store.read(context, reads)).await
    }

    async fn commit(&self, context: &RequestContext, commit: &Commit) -> StoreResult<()> {
        self.measured(context, "commit", None, self.store.commit(context, commit)).await
    }

    fn changes(&self) -> Option<BoxStream<'static, ChangeNotice>> {
        self.store.changes()
    }

    async fn health(&self, context: &RequestContext) -> StoreResult<()> {
        self.measured(context, "health", None, self.store.health(context)).await
    }
}
