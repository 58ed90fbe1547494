//! The store port: what the core asks of a database, and nothing more.
//!
//! A backend is the six operations of [`Store`]. It knows no entity: each declares its [`Collection`] (fields, indexes,
//! scope) and computes its unique keys, and a backend derives tables, indexes and conversions from that.

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
/// Every operation ends by `context.deadline` at the latest, with [`StoreError::Timeout`] if it must. Errors that pass by
/// themselves (a lost connection, a transient transaction error) are retried inside, within that deadline.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// The document with this id, or none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Timeout`] or [`StoreError::Corrupt`].
    async fn get(
        &self,
        context: &RequestContext,
        collection: &'static Collection,
        id: ObjectId,
    ) -> StoreResult<Option<Document>>;

    /// The documents that a query names, in its order, at most `query.limit` of them.
    ///
    /// # Errors
    /// As [`Store::get`]; [`StoreError::Unsupported`] when the query uses what its collection does not declare.
    async fn find(&self, context: &RequestContext, query: &Query) -> StoreResult<Vec<Document>>;

    /// The documents of several queries, in the order of the queries; one round trip where the backend can.
    ///
    /// Each query is answered as [`Store::find`] answers it. They need not all see one state of the store.
    ///
    /// # Errors
    /// As [`Store::find`]; of several errors any.
    async fn read(&self, context: &RequestContext, reads: &[Read]) -> StoreResult<Vec<Vec<Document>>> {
        read::one_by_one(self, context, reads).await
    }

    /// Carries out all changes of a commit if all its guards hold, durably, or none of them.
    ///
    /// The future may be dropped at any time: the commit then has its whole effect or none.
    ///
    /// # Errors
    /// [`StoreError::DuplicateKey`], [`StoreError::VersionConflict`] and [`StoreError::GuardFailed`] name what was in the way;
    /// nothing was written then. Changes are checked in their order and guards after them, so that of several
    /// obstacles the first is named.
    async fn commit(&self, context: &RequestContext, commit: &Commit) -> StoreResult<()>;

    /// Notifications that something was committed, where the backend has them; a hint to look, not a log: several
    /// commits may come as one notice, and one that is missed is not repeated.
    fn changes(&self) -> Option<BoxStream<'static, ChangeNotice>>;

    /// Whether reads and durable writes are possible now.
    ///
    /// # Errors
    /// What stands in the way.
    async fn health(&self, context: &RequestContext) -> StoreResult<()>;
}

/// Says which collections a commit has touched; empty when the backend cannot tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeNotice {
    /// Names of the collections.
    pub collections: Vec<&'static str>,
}
