//! Entities: typed documents, and typed access to a store.

use serde::{Serialize, de::DeserializeOwned};

use super::{Collection, Document, Query, Read, Store, StoreResult};
use crate::{context::RequestContext, object_id::ObjectId};

/// A typed document. Its serde form is its stored JSON: camelCase, absent optional fields omitted.
pub trait Entity: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The collection that it is stored in.
    const COLLECTION: &'static Collection;

    /// Returns its id.
    fn id(&self) -> ObjectId;

    /// Returns its version.
    fn version(&self) -> u64;

    /// Returns the keys that no other document of the collection may hold, such as `slug:acme`.
    fn unique_keys(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The answers of several reads, taken in the order of the reads.
#[derive(Debug)]
pub struct Answers(std::vec::IntoIter<Vec<Document>>);

impl Answers {
    /// Returns the next answer as entities.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`](super::StoreError::Corrupt) when a document cannot be decoded.
    pub fn all<E: Entity>(&mut self) -> StoreResult<Vec<E>> {
        self.0.next().unwrap_or_default().iter().map(|document| document.decode(E::COLLECTION)).collect()
    }

    /// Returns the next answer as it is stored.
    pub fn documents(&mut self) -> Vec<Document> {
        self.0.next().unwrap_or_default()
    }

    /// Returns `true` if the next answer has any document.
    pub fn any(&mut self) -> bool {
        self.0.next().is_some_and(|answer| !answer.is_empty())
    }

    /// Returns the first entity of the next answer, if there is one.
    ///
    /// # Errors
    /// As [`Answers::all`].
    pub fn first<E: Entity>(&mut self) -> StoreResult<Option<E>> {
        let answer = self.0.next().unwrap_or_default();
        answer.first().map(|document| document.decode(E::COLLECTION)).transpose()
    }
}

/// Typed reading from any store.
#[allow(async_fn_in_trait, reason = "implemented here for every store and nowhere else")]
pub trait Repository {
    /// Returns the entity with this id, if it exists.
    fn load<E: Entity>(
        &self,
        context: &RequestContext,
        id: impl Into<ObjectId> + Send,
    ) -> impl Future<Output = StoreResult<Option<E>>> + Send;

    /// Returns the entity that holds a unique key, if it exists.
    fn load_unique<E: Entity>(
        &self,
        context: &RequestContext,
        key: String,
    ) -> impl Future<Output = StoreResult<Option<E>>> + Send;

    /// Returns the answers of several reads.
    fn load_together(
        &self,
        context: &RequestContext,
        reads: &[Read],
    ) -> impl Future<Output = StoreResult<Answers>> + Send;

    /// Returns the entities that a query finds.
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

    async fn load_together(&self, context: &RequestContext, reads: &[Read]) -> StoreResult<Answers> {
        Ok(Answers(self.read(context, reads).await?.into_iter()))
    }

    async fn load_all<E: Entity>(&self, context: &RequestContext, query: &Query) -> StoreResult<Vec<E>> {
        let documents = self.find(context, query).await?;
        documents.iter().map(|document| document.decode(E::COLLECTION)).collect()
    }
}
