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
    store::{
        ChangeNotice, Collection, Commit, Document, Query, Read, SharedStore, Store, StoreError, StoreResult,
        read::one_by_one,
    },
};
use futures_util::{future::BoxFuture, stream::BoxStream};

/// The inserted action.
pub(crate) type Meanwhile = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// Returns `true` for queries that fail.
pub(crate) type Failing = Box<dyn Fn(&Query) -> bool + Send>;

/// Runs the test's action after a use case's first reads or before its first commit, or fails queries.
pub(crate) struct Interleaved {
    store: SharedStore,
    /// The action after the first combined read.
    after_reads: Mutex<Option<Meanwhile>>,
    /// The action between the decision and the first commit.
    before_commit: Mutex<Option<Meanwhile>>,
    /// The condition for failing queries, if any.
    fails: Mutex<Option<Failing>>,
}

impl Interleaved {
    fn new(store: &SharedStore) -> Self {
        let (after_reads, before_commit, fails) = Default::default();
        Self { store: Arc::clone(store), after_reads, before_commit, fails }
    }

    /// Creates a store in which some queries fail.
    pub(crate) fn failing(store: &SharedStore, fails: Failing) -> Self {
        Self { fails: Mutex::new(Some(fails)), ..Self::new(store) }
    }
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
    async fn read(&self, context: &RequestContext, reads: &[Read]) -> StoreResult<Vec<Vec<Document>>> {
        let answers = one_by_one(self, context, reads).await?;
        let meanwhile = self.after_reads.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile().await;
        }
        Ok(answers)
    }
    async fn commit(&self, context: &RequestContext, commit: &Commit) -> StoreResult<()> {
        let meanwhile = self.before_commit.lock().unwrap().take();
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
    let store = Interleaved { before_commit: Mutex::new(Some(meanwhile)), ..Interleaved::new(store) };
    super::service(Arc::new(store), Arc::new(SystemClock))
}

/// Creates a service that is overtaken: `meanwhile` runs after its first reads.
pub(crate) fn overtaken(store: &SharedStore, meanwhile: Meanwhile) -> Service {
    let store = Interleaved { after_reads: Mutex::new(Some(meanwhile)), ..Interleaved::new(store) };
    super::service(Arc::new(store), Arc::new(SystemClock))
}
