//! The store port: everything that the core needs of a database.
//!
//! A backend implements the six operations of [`Store`]. It knows no entities: each entity declares its [`Collection`]
//! (fields, indexes, scope) and computes its unique keys, and a backend derives tables, indexes and conversions from
//! that.

pub mod collection;
pub mod commit;
#[cfg(feature = "test-kit")]
pub mod conformance;
pub mod document;
pub mod entity;
pub mod error;
pub mod inspection;
#[cfg(feature = "mongodb")]
pub mod mongodb;
pub mod query;
pub mod read;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod terms;
pub mod transfer;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::stream::BoxStream;

pub use collection::{Collection, Derived, Field, FieldType, Guest, Index, News, Personal, Scope, Stored};
pub use commit::{Change, Commit, Expectation, Guard};
pub use document::{Document, Value};
pub use entity::{Answers, Entity, Repository};
pub use error::{StoreError, StoreResult};
pub use inspection::Inspection;
pub use query::{Filter, Position, Query};
pub use read::{Follow, KeyPart, Origin, Read};
pub use terms::{Form, Source};
pub use transfer::{Transfer, TransferDocument};

use crate::{context::RequestContext, domain::ObjectId};

/// Version of the layout that this release writes. A store with a newer one is refused at start.
pub const SCHEMA_VERSION: u32 = 2;

/// A shared store of any backend.
pub type SharedStore = Arc<dyn Store>;

/// Documents in collections, read by id and by index and written in atomic commits.
///
/// Every operation ends by `context.deadline`, with [`StoreError::Timeout`] if necessary. Transient errors (a lost
/// connection, an aborted transaction) are retried internally within that deadline.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// Returns the document with this id, if it exists.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Timeout`] or [`StoreError::Corrupt`].
    async fn get(
        &self,
        context: &RequestContext,
        collection: &'static Collection,
        id: ObjectId,
    ) -> StoreResult<Option<Document>>;

    /// Returns the documents that a query finds, in its order, at most `query.limit` of them.
    ///
    /// # Errors
    /// As [`Store::get`]; [`StoreError::Unsupported`] when the query uses something that its collection does not
    /// declare.
    async fn find(&self, context: &RequestContext, query: &Query) -> StoreResult<Vec<Document>>;

    /// Returns the documents of several queries, in the order of the queries.
    ///
    /// It takes one round trip if the backend can do that.
    ///
    /// Each query is answered as by [`Store::find`]. They need not all see the same state of the store.
    ///
    /// # Errors
    /// As [`Store::find`]; any one of several errors.
    async fn read(&self, context: &RequestContext, reads: &[Read]) -> StoreResult<Vec<Vec<Document>>> {
        read::one_by_one(self, context, reads).await
    }

    /// Performs all changes of a commit durably if all its guards hold, or none of them.
    ///
    /// The future may be dropped at any time; the commit then has its whole effect or none.
    ///
    /// # Errors
    /// [`StoreError::DuplicateKey`], [`StoreError::VersionConflict`] and [`StoreError::GuardFailed`] name the conflict;
    /// nothing was written then. Changes are checked in order and guards after them, so the first of several conflicts
    /// is named.
    async fn commit(&self, context: &RequestContext, commit: &Commit) -> StoreResult<()>;

    /// Returns notices of commits, if the backend has them.
    ///
    /// They are hints, not a log: several commits may give one notice, and a missed notice is not repeated.
    fn changes(&self) -> Option<BoxStream<'static, ChangeNotice>>;

    /// Checks that reads and durable writes are possible now.
    ///
    /// # Errors
    /// The error that prevents them.
    async fn health(&self, context: &RequestContext) -> StoreResult<()>;
}

/// The collections that a commit has changed; empty if the backend cannot tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeNotice {
    /// Names of the collections.
    pub collections: Vec<&'static str>,
}
