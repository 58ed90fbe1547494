//! The interface of a backend that the suite needs beyond the port.

use async_trait::async_trait;

use crate::{
    domain::ObjectId,
    store::{Collection, SharedStore},
};

/// An empty database of a backend with the collections [`super::COLLECTIONS`], deleted when dropped.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// Returns a handle on the database, always the same.
    fn store(&self) -> SharedStore;

    /// Returns another handle on the same database, as another process would have it.
    async fn second(&self) -> SharedStore;

    /// Writes a field of a stored document directly, as another program would, without changing the document's version.
    ///
    /// `path` has dots for fields of objects: `address.legacy`.
    async fn put_raw(&self, collection: &'static Collection, id: ObjectId, path: &str, value: serde_json::Value);

    /// Reads such a field; `None` if the document lacks it.
    async fn raw(&self, collection: &'static Collection, id: ObjectId, path: &str) -> Option<serde_json::Value>;

    /// Makes the next commit of [`Fixture::store`] happen but loses its first answer.
    ///
    /// Returns `false` (the default) if the backend has no such case or cannot simulate it.
    async fn lose_next_acknowledgement(&self) -> bool {
        false
    }

    /// Returns how often races are run; lower for slow servers. Default: 40.
    fn rounds(&self) -> usize {
        40
    }
}
