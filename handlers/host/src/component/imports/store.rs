//! The store, as far as the caller of the request may use it.

use std::sync::Arc;

use wasmtime::component::Accessor;

use super::{
    Host, asking,
    conversion::{self, Refused},
    place,
};
use crate::component::{
    Platform,
    bindings::store::{self, Document, Failure, Query, Transaction},
    facts::{Place, RequestFacts},
    instance::InstanceState,
    lock::Locked,
};

impl store::Host for InstanceState {}

/// The store behind its lock; only for a request whose caller is known.
fn open(facts: &Arc<RequestFacts>, platform: Arc<Platform>) -> Result<Locked, Failure> {
    Locked::for_request(Arc::clone(facts), platform).map_err(|error| conversion::failure(facts, error))
}

/// A place for a call of this request.
async fn place_of(facts: &RequestFacts) -> Result<Place<'_>, Failure> {
    place(facts).await.map_err(|_| Failure::Refused("the request makes too many calls".to_owned()))
}

/// The request that calls, and what it is answered from.
fn asker(accessor: &Accessor<InstanceState, Host>) -> Result<(Arc<RequestFacts>, Arc<Platform>), Failure> {
    asking(accessor).map_err(|_| Failure::Refused("the call belongs to no request that is being answered".to_owned()))
}

impl store::HostWithStore<InstanceState> for Host {
    async fn get(
        accessor: &Accessor<InstanceState, Self>,
        collection: String,
        id: String,
    ) -> Result<Option<Document>, Failure> {
        let (facts, platform) = asker(accessor)?;
        let _place = place_of(&facts).await?;
        let (collection, id) = (conversion::collection(&collection)?, conversion::id(&id)?);
        let found = open(&facts, platform)?.get(collection, id).await;
        Ok(found.map_err(|error| conversion::failure(&facts, error))?.map(conversion::document))
    }

    async fn find(accessor: &Accessor<InstanceState, Self>, query: Query) -> Result<Vec<Document>, Failure> {
        let (facts, platform) = asker(accessor)?;
        let _place = place_of(&facts).await?;
        let found = open(&facts, platform)?.find(&conversion::query(query)?).await;
        let found = found.map_err(|error| conversion::failure(&facts, error))?;
        Ok(found.into_iter().map(conversion::document).collect())
    }

    async fn count(accessor: &Accessor<InstanceState, Self>, query: Query) -> Result<u64, Failure> {
        let (facts, platform) = asker(accessor)?;
        let _place = place_of(&facts).await?;
        let count = open(&facts, platform)?.count(&conversion::query(query)?).await;
        count.map_err(|error| conversion::failure(&facts, error))
    }

    async fn commit(accessor: &Accessor<InstanceState, Self>, transaction: Transaction) -> Result<(), Failure> {
        let (facts, platform) = asker(accessor)?;
        let _place = place_of(&facts).await?;
        let done = open(&facts, platform)?.commit(&conversion::commit(transaction)?).await;
        done.map_err(|error| conversion::failure(&facts, error))
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused.0)
    }
}
