//! The second lock: what the host checks of every store call, whatever the component has decided.

mod actor;

use std::sync::Arc;

use dezky::{
    domain::ObjectId,
    store::{Collection, Commit, Document, Query, StoreResult},
};

pub(super) use actor::Actor;

use super::{Platform, facts::RequestFacts};

/// The store for one request.
pub(super) struct Locked {
    facts: Arc<RequestFacts>,
    platform: Arc<Platform>,
}

impl Locked {
    /// For a request whose caller is known.
    pub(super) async fn for_request(facts: Arc<RequestFacts>, platform: Arc<Platform>) -> StoreResult<Self> {
        Ok(Self { facts, platform })
    }

    pub(super) async fn get(&self, collection: &'static Collection, id: ObjectId) -> StoreResult<Option<Document>> {
        self.platform.service.store().get(&self.facts.context(), collection, id).await
    }

    pub(super) async fn find(&self, query: &Query) -> StoreResult<Vec<Document>> {
        self.platform.service.store().find(&self.facts.context(), query).await
    }

    pub(super) async fn count(&self, query: &Query) -> StoreResult<u64> {
        self.platform.service.store().count(&self.facts.context(), query).await
    }

    pub(super) async fn commit(&self, commit: Commit) -> StoreResult<()> {
        self.facts.will_commit();
        self.platform.service.store().commit(&self.facts.context(), &commit).await
    }
}
