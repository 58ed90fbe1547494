//! The second lock: what the host makes of every store call, whatever the component has decided.
//!
//! Reading: a query names its scope (a tenant in which the caller has a role, or the caller) or the documents themselves,
//! and what comes out is looked at once more; what the caller may not have is as absent, and hidden fields are taken out.
//! A component writes nothing: it asks for the effect of its request (`effect.rs`). See `docs/design/component.md` for what is
//! left to the component.

mod actor;
mod asked;
mod hidden;
mod reading;

use std::sync::Arc;

use dezky::{
    domain::ObjectId,
    service::Call,
    store::{Collection, Document, Query, SharedStore, StoreError, StoreResult},
};

pub(crate) use actor::Actor;
pub(crate) use asked::Asked;

use super::{Backing, facts::RequestFacts};

/// Most documents of one answer: as many as a condition may name, and one more.
pub(super) const DOCUMENTS: u32 = 1_001;

/// The store for one request.
pub(super) struct Locked {
    facts: Arc<RequestFacts>,
    platform: Arc<Backing>,
    call: Arc<Call>,
}

/// The call is not one that a component may make.
fn refused<T>(detail: impl Into<String>) -> StoreResult<T> {
    Err(StoreError::Unsupported { detail: detail.into() })
}

impl Locked {
    /// For a request whose caller is known.
    pub(super) fn for_request(facts: Arc<RequestFacts>, platform: Arc<Backing>) -> StoreResult<Self> {
        let Some(call) = facts.call() else { return refused("the store answers a request once its caller is known") };
        let call = Arc::clone(call);
        Ok(Self { facts, platform, call })
    }

    fn store(&self) -> &SharedStore {
        self.platform.service.store()
    }

    /// The document with this id, if the caller may have it.
    pub(super) async fn get(&self, collection: &'static Collection, id: ObjectId) -> StoreResult<Option<Document>> {
        let view = self.view().await?;
        reading::check_collection(collection)?;
        let found = self.store().get(&self.call.context, collection, id).await?;
        Ok(view.shown(collection, found.into_iter().collect()).await?.pop())
    }

    /// The documents that a query names and the caller may have.
    pub(super) async fn find(&self, query: &Query) -> StoreResult<Vec<Document>> {
        let view = self.view().await?;
        let Some(asked) = view.permitted(query).await? else { return Ok(Vec::new()) };
        let found = self.store().find(&self.call.context, &asked).await?;
        let mut shown = view.shown(query.collection, found).await?;
        shown.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
        Ok(shown)
    }

    /// How many documents a query names. Only where it names its scope: what is filtered afterwards cannot be counted.
    pub(super) async fn count(&self, query: &Query) -> StoreResult<u64> {
        let view = self.view().await?;
        if !view.may_count(query) {
            return refused("a count names its scope");
        }
        match view.permitted(query).await? {
            Some(asked) => {
                let found = self.store().find(&self.call.context, &asked).await?;
                Ok(u64::try_from(found.len()).unwrap_or(u64::MAX))
            }
            None => Ok(0),
        }
    }

    async fn view(&self) -> StoreResult<reading::View<'_>> {
        let actor = self.facts.actor(&self.platform).await.map_err(|error| {
            tracing::debug!(?error, "the caller cannot be read");
            StoreError::Unavailable { detail: error.to_string() }
        })?;
        Ok(reading::View { locked: self, actor })
    }
}
