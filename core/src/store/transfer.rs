//! Whole documents as they are stored, for copies from one store to another: versions, unique keys and undeclared fields
//! included. Beside the port, because no use case may write a document like that.

use async_trait::async_trait;

use super::{Collection, Store, StoreResult};
use crate::{context::RequestContext, domain::ObjectId};

/// A stored document with everything that a copy must keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferDocument {
    /// Its id.
    pub id: ObjectId,
    /// Its JSON text, `id` and `version` included. Undeclared values with types that JSON lacks are MongoDB Extended JSON
    /// (<https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/>).
    pub json: String,
    /// Its unique keys, sorted.
    pub unique_keys: Vec<String>,
}

/// A store that documents can be copied from and to.
#[async_trait]
pub trait Transfer: Store {
    /// The documents of a collection with ids after `after`, at most `limit` of them, in the order of their ids.
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

    /// Adds documents as they are, in their order. When it fails, the first of them may have been added.
    ///
    /// # Errors
    /// As [`Store::commit`].
    async fn import(
        &self,
        context: &RequestContext,
        collection: &'static Collection,
        documents: &[TransferDocument],
    ) -> StoreResult<()>;

    /// The mark of a copy into this store that has not ended.
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
