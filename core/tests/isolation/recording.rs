//! A store that keeps a record of what is asked of it.

use std::sync::Mutex;

use async_trait::async_trait;
use dezky::{
    context::RequestContext,
    domain::ObjectId,
    store::{ChangeNotice, Collection, Commit, Document, Query, SharedStore, Store, StoreResult},
};
use futures_util::stream::BoxStream;

#[derive(Debug)]
pub(crate) struct Recording {
    store: SharedStore,
    calls: Mutex<Vec<String>>,
}

impl Recording {
    pub(crate) fn new(store: SharedStore) -> Self {
        Self { store, calls: Mutex::default() }
    }

    /// What was asked since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    fn record(&self, call: String) {
        self.calls.lock().unwrap().push(call);
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
        self.record(format!("get {}", collection.name));
        self.store.get(context, collection, id).await
    }

    async fn find(&self, context: &RequestContext, query: &Query) -> StoreResult<Vec<Document>> {
        self.record(format!("find {}", query.collection.name));
        self.store.find(context, query).await
    }

    async fn count(&self, context: &RequestContext, query: &Query) -> StoreResult<u64> {
        self.record(format!("count {}", query.collection.name));
        self.store.count(context, query).await
    }

    async fn commit(&self, context: &RequestContext, commit: &Commit) -> StoreResult<()> {
        self.record("commit".to_owned());
        self.store.commit(context, commit).await
    }

    fn changes(&self) -> Option<BoxStream<'static, ChangeNotice>> {
        self.store.changes()
    }

    async fn health(&self, context: &RequestContext) -> StoreResult<()> {
        self.store.health(context).await
    }
}
