//! The MongoDB store: the official driver, transactions with `w: majority, j: true`, reads from the primary.
//!
//! A stored document has its entity's fields with BSON types and some fields of the store itself:
//!
//! - `uniqueKeys`: the keys that no other document of the collection may hold, under one unique sparse multikey index;
//!   omitted if there are none.
//! - `_words…`: terms, under multikey indexes.
//! - `_commit`: the commit that inserted the document. If the answer of a commit is lost, finding one of its insertions
//!   with this mark shows that it happened.
//! - `_lock`: the commit that last updated or guarded the document. A guard has to write, because under snapshot
//!   isolation two transactions can each read what the other one writes, and both commit.
//!
//! A guard on absence inserts a document with the guarded id and deletes it in the same transaction: any concurrent
//! insertion of that id then conflicts by the unique index on `_id`, and nothing remains. Insertions need no extra work
//! for this. It requires that `_id` is unique in the collection, which a sharded collection only guarantees if `_id` is
//! the shard key; so absence is guarded in unsharded collections only.

mod attempt;
pub mod canonical;
mod changes;
mod command;
pub(crate) mod connection;
pub(crate) mod encode;
mod failure;
mod fill;
mod inspection;
mod join;
mod json;
mod legacy;
mod options;
mod outcome;
mod patience;
mod read;
mod together;
pub(crate) mod transfer;
mod translate;

use std::{
    fmt,
    sync::{Arc, atomic::AtomicBool},
};

use ::mongodb::options::ConnectionString;
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use tokio::sync::OnceCell;

pub use options::MongodbOptions;

use self::{command::CommandOptions, connection::Connection, patience::bounded};
use super::{ChangeNotice, Collection, Commit, Document, Query, Read, Store, StoreError, StoreResult};
use crate::{context::RequestContext, object_id::ObjectId};

pub(crate) const UNIQUE_KEYS_FIELD: &str = "uniqueKeys";
const COMMIT_FIELD: &str = "_commit";
const LOCK_FIELD: &str = "_lock";

/// A store of documents in a MongoDB database.
///
/// It needs a replica set of MongoDB 6.0 or later; a single node is enough.
#[derive(Debug, Clone)]
pub struct MongodbStore {
    shared: Arc<Shared>,
}

struct Shared {
    uri: ConnectionString,
    options: MongodbOptions,
    collections: &'static [&'static Collection],
    connection: OnceCell<Connection>,
    ready: OnceCell<()>,
    /// `true` if no documents remain that only the replaced service has written and a migration could upgrade.
    upgraded: AtomicBool,
    /// `true` if the server was found unable to answer several queries in one aggregation.
    apart: AtomicBool,
}

// The URI may contain a password and is not shown.
impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Shared")
            .field("options", &self.options)
            .field("ready", &self.ready.initialized())
            .finish_non_exhaustive()
    }
}

impl MongodbStore {
    /// Creates a store in the database that the URI names (`dezky` if it names none).
    ///
    /// It connects at the first operation, which also creates the indexes of `collections` and checks the schema
    /// version. Until the server can be reached, every operation fails with an error that says so.
    ///
    /// # Errors
    /// [`StoreError::Configuration`] when the URI is not valid.
    pub fn open(uri: &str, options: MongodbOptions, collections: &'static [&'static Collection]) -> StoreResult<Self> {
        let shared = Shared {
            uri: options::parse(uri)?,
            options,
            collections,
            connection: OnceCell::new(),
            ready: OnceCell::new(),
            upgraded: AtomicBool::new(false),
            apart: AtomicBool::new(false),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Returns the plan that the server chooses for a query, as text, for tests of index usage.
    ///
    /// # Errors
    /// As [`Store::find`].
    #[cfg(feature = "test-kit")]
    pub async fn explain(&self, context: &RequestContext, query: &Query) -> StoreResult<String> {
        query.check()?;
        bounded(context.deadline, read::explain(&self.shared, query)).await
    }
}

#[async_trait]
impl Store for MongodbStore {
    async fn get(
        &self,
        context: &RequestContext,
        collection: &'static Collection,
        id: ObjectId,
    ) -> StoreResult<Option<Document>> {
        bounded(context.deadline, read::get(&self.shared, &CommandOptions::of(context), collection, id)).await
    }

    async fn find(&self, context: &RequestContext, query: &Query) -> StoreResult<Vec<Document>> {
        query.check()?;
        bounded(context.deadline, read::find(&self.shared, &CommandOptions::of(context), query)).await
    }

    async fn read(&self, context: &RequestContext, reads: &[Read]) -> StoreResult<Vec<Vec<Document>>> {
        super::read::check(reads)?;
        if reads.len() > 1
            && let Some(found) =
                bounded(context.deadline, read::together(&self.shared, &CommandOptions::of(context), reads)).await?
        {
            return Ok(found);
        }
        super::read::one_by_one(self, context, reads).await
    }

    async fn commit(&self, context: &RequestContext, commit: &Commit) -> StoreResult<()> {
        if commit.is_empty() && commit.guards.is_empty() {
            return bounded(context.deadline, async { Ok(()) }).await;
        }
        let (shared, commit, deadline) = (Arc::clone(&self.shared), commit.clone(), context.deadline);
        let options = CommandOptions::of(context);
        // A task of its own, so that a commit is completed or rolled back even if its caller is dropped.
        bounded(deadline, async move {
            let writing =
                tokio::spawn(async move { bounded(deadline, outcome::carry_out(&shared, &commit, &options)).await });
            writing.await.unwrap_or_else(|error| {
                Err(StoreError::Unavailable { detail: format!("the commit was broken off: {error}") })
            })
        })
        .await
    }

    fn changes(&self) -> Option<BoxStream<'static, ChangeNotice>> {
        Some(changes::watch(Arc::clone(&self.shared)))
    }

    async fn health(&self, context: &RequestContext) -> StoreResult<()> {
        bounded(context.deadline, connection::check(&self.shared)).await
    }
}
