//! The MongoDB store: the official driver, transactions with `w: majority, j: true`, reads of the primary.
//!
//! A stored document has its entity's fields with BSON types and a few of the store's own:
//!
//! - `uniqueKeys`: the keys that no other document of the collection may hold, under one unique sparse multikey index;
//!   left out when there are none.
//! - `_words…`: terms, under the multikey indexes that have them.
//! - `_commit`: the commit that inserted the document. When the answer of a commit is lost, finding one of its
//!   insertions with this mark says that it happened.
//! - `_lock`: the commit that last updated or guarded the document. A guard has to write: snapshot isolation lets two
//!   transactions read what the other one writes, and both commit.
//!
//! A guard on absence inserts a document with the guarded id and deletes it again in the same transaction: the
//! unique index on `_id` makes any concurrent insertion of that id conflict with it, and nothing remains. This needs
//! nothing of insertions elsewhere, and so costs them nothing. It presumes that `_id` is unique in the collection, which a
//! sharded collection only promises when `_id` decides the shard: absence is guarded in unsharded collections.

mod attempt;
mod changes;
mod command;
pub(crate) mod connection;
pub(crate) mod encode;
mod failure;
mod fill;
mod inspection;
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
use crate::{context::RequestContext, domain::ObjectId};

pub(crate) const UNIQUE_KEYS_FIELD: &str = "uniqueKeys";
const COMMIT_FIELD: &str = "_commit";
const LOCK_FIELD: &str = "_lock";

/// Documents in a MongoDB database. Needs a replica set of MongoDB 6.0 or later; one of a single node will do.
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
    /// Whether nothing is left in it that only the replaced service has written, as far as a migration can tell.
    upgraded: AtomicBool,
    /// Whether the server was found unable to answer several queries at once.
    apart: AtomicBool,
}

// The URI may hold a password and is not shown.
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
    /// A store in the database that the URI names (`dezky` if it names none). Connects at the first operation, which also
    /// ensures the indexes of `collections` and checks the schema version; until the server can be reached every
    /// operation says that it cannot.
    ///
    /// # Errors
    /// [`StoreError::Configuration`] when the URI is not acceptable.
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

    /// The plan that the server chooses for a query, as text: tests see from it which index is used.
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
        // A task of its own: when the caller goes away halfway, the commit still comes to its end, one or the other.
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
