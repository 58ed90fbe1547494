//! The second lock: what the host checks of every store call, whatever the component has decided.
//!
//! Reading: a query names its scope (a tenant in which the caller has a role, or the caller) or the documents themselves,
//! and what comes out is looked at once more; what the caller may not have is as absent. Writing: every change is put to
//! the policy of the core with facts that the host has read itself; the audit trail is stamped. `core/DESIGN.md` says what
//! is left to the component.

mod actor;
mod intent;
mod reading;
mod trail;
mod writing;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use dezky::{
    domain::ObjectId,
    service::Call,
    store::{Collection, Commit, Document, Query, SharedStore, StoreError, StoreResult},
};

pub(crate) use actor::Actor;
pub(crate) use intent::Intent;

use super::{Platform, facts::RequestFacts};

/// Most documents of one answer: a page of the API and one more, or as many as a condition names.
const DOCUMENTS: u32 = 1_001;

/// Most documents of one request that are remembered as seen.
const SEEN: usize = 20_000;

/// Documents that a request has seen, and may rest its writes on.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<HashSet<(&'static str, ObjectId)>>);

impl Seen {
    fn add(&self, collection: &'static Collection, id: ObjectId) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() < SEEN {
            seen.insert((collection.name, id));
        }
    }

    fn has(&self, collection: &'static Collection, id: ObjectId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&(collection.name, id))
    }
}

/// The store for one request.
pub(super) struct Locked {
    facts: Arc<RequestFacts>,
    platform: Arc<Platform>,
    call: Call,
    actor: Arc<Actor>,
}

/// The call is not one that a component may make.
fn refused<T>(detail: impl Into<String>) -> StoreResult<T> {
    Err(StoreError::Unsupported { detail: detail.into() })
}

impl Locked {
    /// For a request whose caller is known.
    pub(super) async fn for_request(facts: Arc<RequestFacts>, platform: Arc<Platform>) -> StoreResult<Self> {
        let Some(call) = facts.call() else { return refused("the store answers a request once its caller is known") };
        let actor = facts.actor(&platform).await.map_err(|error| {
            tracing::debug!(?error, "the caller cannot be read");
            StoreError::Unavailable { detail: error.to_string() }
        })?;
        Ok(Self { facts, platform, call, actor })
    }

    fn store(&self) -> &SharedStore {
        self.platform.service.store()
    }

    /// The document with this id, if the caller may have it.
    pub(super) async fn get(&self, collection: &'static Collection, id: ObjectId) -> StoreResult<Option<Document>> {
        reading::check_collection(collection)?;
        let found = self.store().get(&self.call.context, collection, id).await?;
        Ok(self.shown(collection, found.into_iter().collect()).await?.pop())
    }

    /// The documents that a query names and the caller may have.
    pub(super) async fn find(&self, query: &Query) -> StoreResult<Vec<Document>> {
        if !self.may_ask(query).await? {
            return Ok(Vec::new());
        }
        let found = self.store().find(&self.call.context, query).await?;
        self.shown(query.collection, found).await
    }

    /// How many documents a query names. Only where it names its scope: what is filtered afterwards cannot be counted.
    pub(super) async fn count(&self, query: &Query) -> StoreResult<u64> {
        if !self.actor.is_platform() && self.scope(query) == reading::Named::Documents {
            return refused("a count names its scope");
        }
        if self.may_ask(query).await? { self.store().count(&self.call.context, query).await } else { Ok(0) }
    }

    /// Carries out a commit whose every change the caller may make.
    pub(super) async fn commit(&self, mut commit: Commit) -> StoreResult<()> {
        self.check_writes(&mut commit).await?;
        self.facts.will_commit();
        let outcome = self.store().commit(&self.call.context, &commit).await;
        if outcome.is_err() {
            // The component decides anew on a conflict; so does the host.
            self.facts.forget_actor().await;
        }
        outcome
    }
}
