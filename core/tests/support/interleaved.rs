//! A store into whose calls a test can insert actions or failures.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use dezky::{
    clock::SystemClock,
    context::RequestContext,
    domain::ObjectId,
    service::Service,
    store::{ChangeNotice, Collection, Commit, Document, Query, SharedStore, Store, StoreError, StoreResult},
};
use futures_util::{future::BoxFuture, stream::BoxStream};

/// The inserted action.
pub(crate) type Meanwhile = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// Returns `true` for queries that fail.
pub(crate) type Failing = Box<dyn Fn(&Query) -> bool + Send>;

/// Runs the test's action between a use case's decision and its first commit.
pub(crate) struct Interleaved {
    pub(crate) store: SharedStore,
    pub(crate) meanwhile: Mutex<Option<Meanwhile>>,
    /// The condition for failing queries, if any.
    pub(crate) fails: Mutex<Option<Failing>>,
}

impl fmt::Debug for Interleaved {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Interleaved")
    }
}

#[async_trait]
impl Store for Interleaved {
    async fn get(
        &self,
        context: &RequestContext,
        of: &'static Collection,
        id: ObjectId,
    ) -> StoreResult<Option<Document>> {
        self.store.get(context, of, id).await
    }
    async fn find(&self, context: &RequestContext, query: &Query) -> StoreResult<Vec<Document>> {
        if self.fails.lock().unwrap().as_ref().is_some_and(|fails| fails(query)) {
            return Err(StoreError::Unavailable { detail: "as the test wants it".to_owned() });
        }
        self.store.find(context, query).await
    }
    async fn commit(&self, context: &RequestContext, commit: &Commit) -> StoreResult<()> {
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile().await;
        }
        self.store.commit(context, commit).await
    }
    fn changes(&self) -> Option<BoxStream<'static, ChangeNotice>> {
        self.store.changes()
    }
    async fn health(&self, context: &RequestContext) -> StoreResult<()> {
        self.store.health(context).await
    }
}

/// Creates a service whose first commit comes after `meanwhile`.
pub(crate) fn interleaved(store: &SharedStore, meanwhile: Meanwhile) -> Service {
    let (store, fails) = (Arc::clone(store), Mutex::new(None));
    let store = Interleaved { store, meanwhile: Mutex::new(Some(meanwhile)), fails };
    super::service(Arc::new(store), Arc::new(SystemClock))
}
