//! Entities: typed documents, and typed access to a store.

use serde::{Serialize, de::DeserializeOwned};

use super::{Collection, Query, Store, StoreResult};
use crate::{context::RequestContext, domain::ObjectId};

/// A typed document. Its serde form is its stored JSON: camelCase, absent optional fields left out.
pub trait Entity: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Where it is stored.
    const COLLECTION: &'static Collection;

    /// Its id.
    fn id(&self) -> ObjectId;

    /// Its version.
    fn version(&self) -> u64;

    /// Keys that no other document of the collection may hold, such as `slug:acme`.
    fn unique_keys(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Typed reading from any store.
#[allow(async_fn_in_trait, reason = "implemented here for every store and nowhere else")]
pub trait Repository {
    /// The entity with this id, or none.
    fn load<E: Entity>(
        &self,
        context: &RequestContext,
        id: impl Into<ObjectId> + Send,
    ) -> impl Future<Output = StoreResult<Option<E>>> + Send;

    /// The entity that holds a unique key, or none.
    fn load_unique<E: Entity>(
        &self,
        context: &RequestContext,
        key: String,
    ) -> impl Future<Output = StoreResult<Option<E>>> + Send;

    /// The entities that a query names.
    fn load_all<E: Entity>(
        &self,
        context: &RequestContext,
        query: &Query,
    ) -> impl Future<Output = StoreResult<Vec<E>>> + Send;
}

impl<S: Store + ?Sized> Repository for S {
    async fn load<E: Entity>(
        &self,
        context: &RequestContext,
        id: impl Into<ObjectId> + Send,
    ) -> StoreResult<Option<E>> {
        let document = self.get(context, E::COLLECTION, id.into()).await?;
        document.map(|document| document.decode(E::COLLECTION)).transpose()
    }

    async fn load_unique<E: Entity>(&self, context: &RequestContext, key: String) -> StoreResult<Option<E>> {
        let documents = self.find(context, &Query::unique(E::COLLECTION, key)).await?;
        documents.first().map(|document| document.decode(E::COLLECTION)).transpose()
    }

    async fn load_all<E: Entity>(&self, context: &RequestContext, query: &Query) -> StoreResult<Vec<E>> {
        let documents = self.find(context, query).await?;
        documents.iter().map(|document| document.decode(E::COLLECTION)).collect()
    }
}
