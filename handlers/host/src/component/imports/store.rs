//! The store, as far as the caller of the request may use it.

use std::sync::Arc;

use wasmtime::component::Accessor;

use super::{
    Host, asking,
    conversion::{self, Refused},
};
use crate::component::{
    Platform,
    bindings::store::{self, Document, Failure, Query, Transaction},
    facts::RequestFacts,
    instance::InstanceState,
    lock::Locked,
};

impl store::Host for InstanceState {}

/// The store behind its lock; only for a request whose caller is known.
async fn open(accessor: &Accessor<InstanceState, Host>) -> Result<Locked, Failure> {
    let refused = |detail: &str| Failure::Refused(detail.to_owned());
    let (facts, platform): (Arc<RequestFacts>, Arc<Platform>) =
        asking(accessor).map_err(|_| refused("the call belongs to no request that is being answered"))?;
    if facts.caller().is_none() {
        return Err(refused("the store answers a request once its caller is known"));
    }
    Locked::for_request(facts, platform).await.map_err(conversion::failure)
}

impl store::HostWithStore<InstanceState> for Host {
    async fn get(
        accessor: &Accessor<InstanceState, Self>,
        collection: String,
        id: String,
    ) -> Result<Option<Document>, Failure> {
        let store = open(accessor).await?;
        let (collection, id) = (conversion::collection(&collection)?, conversion::id(&id)?);
        let found = store.get(collection, id).await.map_err(conversion::failure)?;
        Ok(found.map(conversion::document))
    }

    async fn find(accessor: &Accessor<InstanceState, Self>, query: Query) -> Result<Vec<Document>, Failure> {
        let store = open(accessor).await?;
        let found = store.find(&conversion::query(query)?).await.map_err(conversion::failure)?;
        Ok(found.into_iter().map(conversion::document).collect())
    }

    async fn count(accessor: &Accessor<InstanceState, Self>, query: Query) -> Result<u64, Failure> {
        let store = open(accessor).await?;
        store.count(&conversion::query(query)?).await.map_err(conversion::failure)
    }

    async fn commit(accessor: &Accessor<InstanceState, Self>, transaction: Transaction) -> Result<(), Failure> {
        let store = open(accessor).await?;
        let commit = conversion::commit(transaction)?;
        store.commit(commit).await.map_err(conversion::failure)
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused.0)
    }
}
