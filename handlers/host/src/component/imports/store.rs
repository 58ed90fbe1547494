//! The part of the store that the caller of the request may use.

use std::sync::Arc;

use wasmtime::component::Accessor;

use super::{
    Host, asking,
    conversion::{self, Refused},
    weight::Weight as _,
};
use crate::component::{
    Backing,
    bindings::store::{self, Document, Failure, Query},
    facts::{HostCallPermit, RequestFacts},
    instance::InstanceState,
    lock::{DOCUMENTS, Locked},
};

impl store::Host for InstanceState {}

/// Returns the store behind its lock, for a request whose caller is known.
fn open(facts: &Arc<RequestFacts>, platform: Arc<Backing>) -> Result<Locked, Failure> {
    Locked::for_request(Arc::clone(facts), platform).map_err(|error| conversion::failure(facts, error))
}

/// Returns a slot for a call of this request that reads at most this many documents.
async fn permit_of(facts: &RequestFacts, documents: u32) -> Result<HostCallPermit<'_>, Failure> {
    let refused = || Failure::Refused("the request makes too many calls, or asks for too many documents".to_owned());
    facts.permit(documents).await.ok_or_else(refused)
}

/// Performs a call with arguments of this size, on behalf of the current request.
async fn carry_out<T, F: Future<Output = Result<T, Failure>>>(
    accessor: &Accessor<InstanceState, Host>,
    weight: usize,
    call: impl FnOnce(Arc<RequestFacts>, Arc<Backing>) -> F,
) -> wasmtime::Result<Result<T, Failure>> {
    let Ok((facts, platform)) = asking(accessor) else {
        return Ok(Err(Failure::Refused("the call belongs to no request that is being answered".to_owned())));
    };
    let _held = facts.hold(weight)?;
    Ok(call(Arc::clone(&facts), platform).await)
}

impl store::HostWithStore<InstanceState> for Host {
    async fn get(
        accessor: &Accessor<InstanceState, Self>,
        collection: String,
        id: String,
    ) -> wasmtime::Result<Result<Option<Document>, Failure>> {
        carry_out(accessor, collection.weight().saturating_add(id.weight()), async |facts, platform| {
            let _permit = permit_of(&facts, 1).await?;
            let (collection, id) = (conversion::collection(&collection)?, conversion::id(&id)?);
            let found = open(&facts, platform)?.get(collection, id).await;
            Ok(found.map_err(|error| conversion::failure(&facts, error))?.map(conversion::document))
        })
        .await
    }

    async fn find(
        accessor: &Accessor<InstanceState, Self>,
        query: Query,
    ) -> wasmtime::Result<Result<Vec<Document>, Failure>> {
        carry_out(accessor, query.weight(), async |facts, platform| {
            let query = conversion::query(query)?;
            let _permit = permit_of(&facts, query.limit.min(DOCUMENTS)).await?;
            let found = open(&facts, platform)?.find(&query).await;
            let found = found.map_err(|error| conversion::failure(&facts, error))?;
            Ok(found.into_iter().map(conversion::document).collect())
        })
        .await
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused.0)
    }
}
