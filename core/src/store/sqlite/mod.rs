//! The embedded store: one SQLite file, shared by any number of processes of one machine.
//!
//! `schema`, `statements` and `mapping` convert declarations, queries and documents to SQL and back, without any
//! database library; `connection`, `reader`, `batch` and `writer` run that SQL with `rusqlite`.

mod batch;
mod connection;
mod inspection;
mod lease;
mod location;
mod mapping;
mod options;
#[cfg(all(test, feature = "test-kit"))]
mod plans;
mod reader;
mod schema;
mod statements;
mod together;
mod transfer;
mod writer;

use std::{
    path::Path,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::{
    sync::{Semaphore, broadcast::error::RecvError, oneshot},
    time,
};

pub use self::options::SqliteOptions;
use self::{
    batch::Instruction,
    reader::Readers,
    statements::Statement,
    writer::{Job, Message, Shared, Writer},
};
use super::{ChangeNotice, Collection, Commit, Document, Query, Read, Store, StoreError, StoreResult};
use crate::{context::RequestContext, object_id::ObjectId};

/// Longest wait for a lock while the store is opened; after that, opening continues in the background.
const OPEN_PATIENCE: Duration = Duration::from_millis(250);

/// The embedded store.
///
/// Handles are cheap to clone. When the last one is dropped, waiting commits are performed and the file is closed. The
/// operations need a Tokio runtime with time enabled.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    readers: Readers,
    /// Capacity for waiting commits.
    room: Arc<Semaphore>,
    /// `None` only while the store is being closed.
    sender: Option<mpsc::Sender<Message>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The writer closes its connection last, and then checkpoints the log into the database file.
        self.readers.close();
        drop(self.sender.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer of the store ended by a defect");
        }
    }
}

impl SqliteStore {
    /// Opens the database file `path` for these collections.
    ///
    /// The file (mode 0600), its folder (mode 0700), tables and indexes are created if they are missing.
    ///
    /// Transient problems (a lock, a full disk, missing permission) are not errors: operations then end with
    /// [`StoreError::Unavailable`], [`Store::health`] gives the reason, and opening is retried in the background.
    ///
    /// # Errors
    /// [`StoreError::Configuration`] if the path cannot have a database or is on a network file system;
    /// [`StoreError::NewerSchema`] if a newer release has written it.
    pub fn open(
        path: impl AsRef<Path>,
        options: SqliteOptions,
        collections: &'static [&'static Collection],
    ) -> StoreResult<Self> {
        let room = Arc::new(Semaphore::new(options.queue.clamp(1, Semaphore::MAX_PERMITS)));
        let shared = Arc::new(Shared::new(path.as_ref().to_owned(), options, collections));
        let database = match shared.open(OPEN_PATIENCE) {
            Ok(database) => Some(database),
            Err(error @ (StoreError::Configuration { .. } | StoreError::NewerSchema { .. })) => return Err(error),
            Err(error) => {
                tracing::warn!(path = %shared.path.display(), %error, "the store cannot be opened yet");
                None
            }
        };
        let readers = Readers::new(
            shared.options.readers,
            shared.options.busy_timeout,
            Arc::clone(&shared.generation),
            Arc::clone(&shared.damage),
        );
        let (sender, receiver) = mpsc::channel();
        let writer = Writer::new(Arc::clone(&shared), receiver, database);
        let thread = thread::Builder::new()
            .name("dezky-store-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| StoreError::Unavailable { detail: format!("no thread for writing: {error}") })?;
        let inner = Inner { shared, readers, room, sender: Some(sender), thread: Some(thread) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Submits work to the writer and waits until it is durable.
    async fn submit(&self, context: &RequestContext, work: Instruction) -> StoreResult<()> {
        let queued = Instant::now();
        if queued >= context.deadline {
            return Err(StoreError::Timeout);
        }
        self.inner.shared.writable()?;
        let room = Arc::clone(&self.inner.room);
        let permit = match Arc::clone(&room).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => match time::timeout_at(context.deadline.into(), room.acquire_owned()).await {
                Ok(Ok(permit)) => permit,
                Ok(Err(_)) | Err(_) => {
                    return Err(StoreError::Unavailable { detail: "too many commits are waiting".to_owned() });
                }
            },
        };
        let (reply, answer) = oneshot::channel();
        let gone = || StoreError::Unavailable { detail: "the writer of the store has ended".to_owned() };
        let job = Job { work, queued, deadline: context.deadline, reply, permit };
        self.inner.sender.as_ref().ok_or_else(gone)?.send(Message::Job(job)).map_err(|_| gone())?;
        match time::timeout_at(context.deadline.into(), answer).await {
            Ok(answer) => answer.map_err(|_| gone())?,
            Err(_) => Err(StoreError::Timeout),
        }
    }

    /// Runs a read on the calling thread.
    async fn read_with<T>(
        &self,
        context: &RequestContext,
        collection: &'static Collection,
        operation: impl Fn(&rusqlite::Connection) -> rusqlite::Result<T> + Send + Sync,
    ) -> StoreResult<T> {
        let file = self.inner.shared.opened()?;
        self.inner.readers.read(file, collection, context.deadline, operation).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn get(
        &self,
        context: &RequestContext,
        collection: &'static Collection,
        id: ObjectId,
    ) -> StoreResult<Option<Document>> {
        let table = self.inner.shared.tables.get(collection)?;
        self.read_with(context, collection, |connection| together::point(connection, table, id)).await
    }

    async fn find(&self, context: &RequestContext, query: &Query) -> StoreResult<Vec<Document>> {
        let found = self.inner.shared.tables.get(query.collection)?.find(query)?;
        let Some(Statement { sql, parameters }) = found else { return Ok(Vec::new()) };
        self.read_with(context, query.collection, |connection| together::documents(connection, &sql, &parameters)).await
    }

    async fn read(&self, context: &RequestContext, reads: &[Read]) -> StoreResult<Vec<Vec<Document>>> {
        super::read::check(reads)?;
        let Some(first) = reads.first() else { return Ok(Vec::new()) };
        let tables = &self.inner.shared.tables;
        self.read_with(context, first.query.collection, |connection| {
            // All of them see the state that the first one sees.
            let _snapshot = together::Snapshot::take(connection)?;
            together::read(connection, tables, reads)
        })
        .await?
    }

    async fn commit(&self, context: &RequestContext, commit: &Commit) -> StoreResult<()> {
        let work = Instruction::new(&self.inner.shared.tables, commit)?;
        self.submit(context, work).await
    }

    fn changes(&self) -> Option<BoxStream<'static, ChangeNotice>> {
        let notices = self.inner.shared.notices.subscribe();
        if let Some(sender) = &self.inner.sender {
            // The writer looks for commits of other processes only while there are listeners. If it has ended, so does
            // the stream.
            let _ended = sender.send(Message::Wake);
        }
        let next = |mut notices: tokio::sync::broadcast::Receiver<ChangeNotice>| async move {
            match notices.recv().await {
                Ok(notice) => Some((notice, notices)),
                // The listener is too slow for single notices: something has changed somewhere.
                Err(RecvError::Lagged(_)) => Some((ChangeNotice::default(), notices)),
                Err(RecvError::Closed) => None,
            }
        };
        Some(stream::unfold(notices, next).boxed())
    }

    async fn health(&self, context: &RequestContext) -> StoreResult<()> {
        if let Some(damage) = self.inner.shared.damage.get() {
            return Err(StoreError::Unavailable { detail: damage.clone() });
        }
        self.submit(context, Instruction::Probe).await?;
        let Some(collection) = self.inner.shared.collections.first() else { return Ok(()) };
        self.read_with(context, collection, |connection| {
            connection.prepare_cached(statements::READ_SCHEMA)?.query_row([], |_| Ok(()))
        })
        .await
    }
}
