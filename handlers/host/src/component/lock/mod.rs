//! The second lock: the host's check of every store call, independent of the component's decisions.
//!
//! A query must name its scope (a tenant in which the caller has a role, or the caller) or the documents themselves.
//! The results are checked again: documents that the caller may not have are omitted, and hidden fields removed. A
//! component writes nothing; it requests the effect of its request (`effect.rs`). See `docs/design/component.md` for
//! what is left to the component.

mod actor;
mod asked;
mod hidden;
mod reading;

use std::sync::Arc;

use dezky::{
    domain::ObjectId,
    service::{Call, profile::ReadAhead},
    store::{Collection, Document, Query, SharedStore, StoreError, StoreResult},
};

pub(crate) use actor::Actor;
pub(crate) use asked::Asked;

use super::{Backing, facts::RequestFacts};

/// Maximum number of documents in one answer: as many as a condition may name, plus one.
pub(super) const DOCUMENTS: u32 = 1_001;

/// The store for one request.
pub(super) struct Locked {
    facts: Arc<RequestFacts>,
    platform: Arc<Backing>,
    call: Arc<Call>,
}

/// Returns the error of a call that a component may not make.
fn refused<T>(detail: impl Into<String>) -> StoreResult<T> {
    Err(StoreError::Unsupported { detail: detail.into() })
}

impl Locked {
    /// Creates the store for a request whose caller is known.
    pub(super) fn for_request(facts: Arc<RequestFacts>, platform: Arc<Backing>) -> StoreResult<Self> {
        let Some(call) = facts.call() else { return refused("the store answers a request once its caller is known") };
        let call = Arc::clone(call);
        Ok(Self { facts, platform, call })
    }

    fn store(&self) -> &SharedStore {
        self.platform.service.store()
    }

    /// Returns the document with this id, if the caller may have it.
    pub(super) async fn get(&self, collection: &'static Collection, id: ObjectId) -> StoreResult<Option<Document>> {
        let view = self.view().await?;
        reading::check_collection(collection)?;
        let found = self.store().get(&self.call.context, collection, id).await?;
        Ok(view.shown(collection, found.into_iter().collect()).await?.pop())
    }

    /// Returns the documents that a query finds and the caller may have.
    pub(super) async fn find(&self, query: &Query) -> StoreResult<Vec<Document>> {
        let view = self.view().await?;
        let Some(asked) = view.permitted(query).await? else { return Ok(Vec::new()) };
        let found = self.store().find(&self.call.context, &asked).await?;
        let mut shown = view.shown(query.collection, found).await?;
        shown.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
        Ok(shown)
    }

    /// Returns what the caller may have of documents that were read ahead, as if the component had asked for them.
    pub(super) async fn shown_ahead(&self, ahead: Vec<ReadAhead>) -> StoreResult<Vec<Vec<Document>>> {
        let view = self.view().await?;
        let mut shown = Vec::with_capacity(ahead.len());
        for ReadAhead { query, documents, .. } in ahead {
            let may_ask = view.permitted(&query).await?.is_some();
            shown.push(if may_ask { view.shown(query.collection, documents).await? } else { Vec::new() });
        }
        Ok(shown)
    }

    async fn view(&self) -> StoreResult<reading::View<'_>> {
        let actor = self.facts.actor(&self.platform).await.map_err(|error| {
            tracing::debug!(?error, "the caller cannot be read");
            StoreError::Unavailable { detail: error.to_string() }
        })?;
        Ok(reading::View { locked: self, actor })
    }
}
