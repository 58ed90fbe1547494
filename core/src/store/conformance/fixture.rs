//! What the suite needs from a backend beyond the port.

use async_trait::async_trait;

use crate::{
    domain::ObjectId,
    store::{Collection, SharedStore},
};

/// An empty database of a backend, with the collections of [`super::COLLECTIONS`], thrown away when dropped.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// A handle on the database; always the same.
    fn store(&self) -> SharedStore;

    /// Another handle on the same database, as another process would have it.
    async fn second(&self) -> SharedStore;

    /// Writes a field of a stored document behind the store's back, as another program would; the document's version
    /// stays. `path` has dots for fields of objects: `address.legacy`.
    async fn put_raw(&self, collection: &'static Collection, id: ObjectId, path: &str, value: serde_json::Value);

    /// Reads such a field; none if the document lacks it.
    async fn raw(&self, collection: &'static Collection, id: ObjectId, path: &str) -> Option<serde_json::Value>;

    /// Makes the next commit of [`Fixture::store`] happen while its first answer is lost; false (the default) if the
    /// backend has no such case or cannot simulate it.
    async fn lose_next_acknowledgement(&self) -> bool {
        false
    }

    /// How often races are run; lower for slow servers. Default 40.
    fn rounds(&self) -> usize {
        40
    }
}
