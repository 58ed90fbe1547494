//! A store that counts errors.

use std::sync::Arc;

use async_trait::async_trait;
use dezky::{
    context::RequestContext,
    domain::ObjectId,
    store::{ChangeNotice, Collection, Commit, Document, Query, Read, SharedStore, Store, StoreError, StoreResult},
};
use futures_util::stream::BoxStream;

use crate::server::Metrics;

/// Forwards every call, and counts the errors by operation and kind.
#[derive(Debug)]
pub(super) struct MeasuredStore {
    store: SharedStore,
    metrics: Arc<Metrics>,
}

impl MeasuredStore {
    pub(super) fn new(store: SharedStore, metrics: Arc<Metrics>) -> Self {
        Self { store, metrics }
    }

    fn counted<T>(&self, operation: &'static str, result: StoreResult<T>) -> StoreResult<T> {
        if let Err(error) = &result {
            self.metrics.count_store_error(operation, kind(error));
        }
        result
    }
}

pub(super) const fn kind(error: &StoreError) -> &'static str {
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
        self.counted("get", self.store.get(context, collection, id).await)
    }

    async fn find(&self, context: &RequestContext, query: &Query) -> StoreResult<Vec<Document>> {
        self.counted("find", self.store.find(context, query).await)
    }

    async fn read(&self, context: &RequestContext, reads: &[Read]) -> StoreResult<Vec<Vec<Document>>> {
        self.counted("read", self.store.read(context, reads).await)
    }

    async fn commit(&self, context: &RequestContext, commit: &Commit) -> StoreResult<()> {
        self.counted("commit", self.store.commit(context, commit).await)
    }

    fn changes(&self) -> Option<BoxStream<'static, ChangeNotice>> {
        self.store.changes()
    }

    async fn health(&self, context: &RequestContext) -> StoreResult<()> {
        self.counted("health", self.store.health(context).await)
    }
}
