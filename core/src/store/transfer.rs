//! Copies of whole stored documents between stores, including versions, unique keys and undeclared fields.
//!
//! It is separate from the port because no use case may write documents like this.

use async_trait::async_trait;

use super::{Collection, Store, StoreResult};
use crate::{context::RequestContext, domain::ObjectId};

/// A stored document with everything that a copy must preserve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferDocument {
    /// Its id.
    pub id: ObjectId,
    /// Its JSON text, including `id` and `version`. Undeclared values with types that JSON lacks are MongoDB Extended
    /// JSON (<https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/>).
    pub json: String,
    /// Its unique keys, sorted.
    pub unique_keys: Vec<String>,
}

/// A store that documents can be copied from and to.
#[async_trait]
pub trait Transfer: Store {
    /// Returns at most `limit` documents of a collection with ids after `after`, ordered by id.
    ///
    /// # Errors
    /// As [`Store::find`].
    async fn export(
        &self,
        context: &RequestContext,
        collection: &'static Collection,
        after: Option<ObjectId>,
        limit: u32,
    ) -> StoreResult<Vec<TransferDocument>>;

    /// Adds documents unchanged, in order. On failure, the first of them may have been added.
    ///
    /// # Errors
    /// As [`Store::commit`].
    async fn import(
        &self,
        context: &RequestContext,
        collection: &'static Collection,
        documents: &[TransferDocument],
    ) -> StoreResult<()>;

    /// Returns the mark of an unfinished copy into this store.
    ///
    /// # Errors
    /// As [`Store::get`].
    async fn copy_mark(&self, context: &RequestContext) -> StoreResult<Option<i64>>;

    /// Sets or removes that mark.
    ///
    /// # Errors
    /// As [`Store::commit`].
    async fn set_copy_mark(&self, context: &RequestContext, mark: Option<i64>) -> StoreResult<()>;
}
