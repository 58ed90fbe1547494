//! A store that blocks commits until a test releases them.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use dezky::{
    context::RequestContext,
    domain::ObjectId,
    store::{ChangeNotice, Collection, Commit, Document, Query, SharedStore, Store, StoreResult},
};
use futures_util::stream::BoxStream;
use tokio::sync::watch;

/// Blocks the first commit of each request.
#[derive(Debug)]
pub(crate) struct Gated {
    store: SharedStore,
    held: watch::Sender<usize>,
    open: watch::Sender<bool>,
    known: Mutex<HashSet<String>>,
}

impl Gated {
    pub(crate) fn new(store: SharedStore) -> Arc<Self> {
        let (held, open) = (watch::channel(0).0, watch::channel(false).0);
        Arc::new(Self { store, held, open, known: Mutex::default() })
    }

    /// Waits until this many requests are at their first commit.
    pub(crate) async fn holds(&self, requests: usize) {
        self.held.subscribe().wait_for(|held| *held == requests).await.unwrap();
    }

    /// Releases all of them.
    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }
}

#[async_trait]
impl Store for Gated {
    async fn get(
        &self,
        context: &RequestContext,
        of: &'static Collection,
        id: ObjectId,
    ) -> StoreResult<Option<Document>> {
        self.store.get(context, of, id).await
    }
    async fn find(&self, context: &RequestContext, query: &Query) -> StoreResult<Vec<Document>> {
        self.store.find(context, query).await
    }
    async fn commit(&self, context: &RequestContext, commit: &Commit) -> StoreResult<()> {
        if self.known.lock().unwrap().insert(context.request_id.clone()) {
            self.held.send_modify(|held| *held += 1);
            self.open.subscribe().wait_for(|open| *open).await.unwrap();
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
