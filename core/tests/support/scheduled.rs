//! A store whose calls run one at a time, in an order determined by a seed.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use dezky::{
    context::RequestContext,
    domain::ObjectId,
    store::{ChangeNotice, Collection, Commit, Document, Query, SharedStore, Store, StoreResult},
};
use futures_util::stream::BoxStream;
use tokio::{sync::oneshot, task::JoinSet};

/// Every call waits until the scheduler selects it.
#[derive(Debug)]
pub(crate) struct Scheduled {
    store: SharedStore,
    waiting: Mutex<Vec<oneshot::Sender<()>>>,
    /// `true` while a selected call runs.
    busy: AtomicBool,
    /// The number of calls made.
    calls: AtomicUsize,
}

/// Marks the end of the selected call, however it ends.
struct Turn<'a>(&'a Scheduled);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::SeqCst);
    }
}

impl Scheduled {
    pub(crate) fn new(store: SharedStore) -> Arc<Self> {
        let (waiting, busy, calls) = (Mutex::default(), AtomicBool::new(false), AtomicUsize::new(0));
        Arc::new(Self { store, waiting, busy, calls })
    }

    async fn turn(&self) -> Turn<'_> {
        let (go, chosen) = oneshot::channel();
        self.waiting.lock().unwrap().push(go);
        chosen.await.unwrap();
        self.calls.fetch_add(1, Ordering::SeqCst);
        Turn(self)
    }

    /// Runs the tasks to completion on a single-threaded runtime, choosing the next waiting call by the seed.
    ///
    /// Returns the number of calls made.
    pub(crate) async fn run(&self, mut tasks: JoinSet<()>, seed: u64) -> usize {
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        loop {
            // Every task runs until it waits here, or for the running call.
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
            while let Some(ended) = tasks.try_join_next() {
                ended.unwrap();
            }
            if self.busy.load(Ordering::SeqCst) {
                continue;
            }
            let mut waiting = self.waiting.lock().unwrap();
            if waiting.is_empty() {
                if tasks.is_empty() {
                    return self.calls.load(Ordering::SeqCst);
                }
                continue;
            }
            // Xorshift, by Marsaglia.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let next = usize::try_from(random % u64::try_from(waiting.len()).unwrap()).unwrap();
            self.busy.store(true, Ordering::SeqCst);
            if waiting.remove(next).send(()).is_err() {
                // The waiting task has given up.
                self.busy.store(false, Ordering::SeqCst);
            }
        }
    }
}

#[async_trait]
impl Store for Scheduled {
    async fn get(
        &self,
        context: &RequestContext,
        of: &'static Collection,
        id: ObjectId,
    ) -> StoreResult<Option<Document>> {
        let _turn = self.turn().await;
        self.store.get(context, of, id).await
    }
    async fn find(&self, context: &RequestContext, query: &Query) -> StoreResult<Vec<Document>> {
        let _turn = self.turn().await;
        self.store.find(context, query).await
    }
    async fn commit(&self, context: &RequestContext, commit: &Commit) -> StoreResult<()> {
        let _turn = self.turn().await;
        self.store.commit(context, commit).await
    }
    fn changes(&self) -> Option<BoxStream<'static, ChangeNotice>> {
        self.store.changes()
    }
    async fn health(&self, context: &RequestContext) -> StoreResult<()> {
        self.store.health(context).await
    }
}
