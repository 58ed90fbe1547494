//! Imports of a component other than WASI, one interface per file.

mod conversion;
mod effect;
mod identity;
mod launcher;
mod settings;
mod store;
mod telemetry;
mod weight;

use std::sync::Arc;

use dezky::{Error, Result};
use wasmtime::component::{Accessor, HasData, Linker};

use super::{
    Backing,
    bindings::problems::{BadField, Problem},
    facts::{HostCallPermit, RequestFacts},
    instance::InstanceState,
};

/// Marks the host's side of the imports.
pub(super) struct Host;

impl HasData for Host {
    type Data<'a> = &'a mut InstanceState;
}

/// Adds all imports to a linker.
pub(super) fn add_to(linker: &mut Linker<InstanceState>) -> wasmtime::Result<()> {
    super::bindings::Handler::add_to_linker::<_, Host>(linker, |state| state)
}

impl super::bindings::problems::Host for InstanceState {}

impl super::bindings::messages::Host for InstanceState {}

/// Returns the error that a component may see. Internal errors are logged.
fn problem(facts: &RequestFacts, error: &Error) -> Problem {
    if error.kind() == dezky::ErrorKind::Internal && facts.may_log() {
        tracing::error!(id = facts.request_id(), ?error, "what the component asked for failed");
    }
    unattributed(error)
}

/// Returns the error of a call without a request. It is not logged, because nothing would limit the log.
fn unattributed(error: &Error) -> Problem {
    let internal = matches!(error.kind(), dezky::ErrorKind::Internal | dezky::ErrorKind::Configuration);
    Problem {
        kind: error.kind().name().to_owned(),
        code: error.code().to_owned(),
        message: if internal { "the host has told its log why".to_owned() } else { error.message().to_owned() },
        fields: error
            .fields()
            .iter()
            .map(|field| BadField {
                field: field.field.clone(),
                code: field.code.name().to_owned(),
                message: field.message.clone(),
            })
            .collect(),
        retry_after: error.retry_after().map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
    }
}

/// Returns the request that the component calls on behalf of, and the host's backing.
fn asking(accessor: &Accessor<InstanceState, Host>) -> Result<(Arc<RequestFacts>, Arc<Backing>)> {
    accessor.with(|mut access| {
        let state = access.get();
        state
            .request()
            .map(|facts| (Arc::clone(facts), Arc::clone(&state.platform)))
            .ok_or_else(|| Error::internal("a call of the component belongs to no request that is being answered"))
    })
}

/// Returns a slot for a call of this request.
async fn permit(facts: &RequestFacts) -> Result<HostCallPermit<'_>> {
    permit_to_read(facts, 0).await
}

/// Returns a slot for a call of this request that reads at most this many documents.
async fn permit_to_read(facts: &RequestFacts, documents: u32) -> Result<HostCallPermit<'_>> {
    let refused = || Error::internal("the request makes too many calls, or asks for too many documents");
    facts.permit(documents).await.ok_or_else(refused)
}
