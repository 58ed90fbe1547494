//! What a component exports to be handed requests, each way in a file.

mod passing;
mod requests;
mod wasi_http;

use std::{
    sync::Arc,
    task::{Context, Waker},
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use dezky::http::Refused;
use http::response::Parts;
use serde::Deserialize;
use wasmtime::{
    Store,
    component::{Accessor, Component, InstancePre},
};
use wasmtime_wasi_http::p3::bindings::{Service, ServicePre};

use super::{
    bindings::{Handler, HandlerPre},
    facts::RequestFacts,
    instance::InstanceState,
    waking,
};

/// How a component takes requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// As plain records, whole: without the cost of streams, futures and resources.
    Requests,
    /// By `wasi:http/handler`.
    WasiHttp,
}

impl Way {
    /// The best that a component offers.
    pub(super) fn of(component: &Component) -> Self {
        let requests = component.get_export_index(None, "dezky:platform/requests@0.3.0");
        if requests.is_some() { Self::Requests } else { Self::WasiHttp }
    }
}

/// A component that is linked, by the way it takes requests.
#[derive(Clone)]
pub(super) enum Linked {
    Requests(HandlerPre<InstanceState>),
    WasiHttp(ServicePre<InstanceState>),
}

impl Linked {
    /// Looks its exports up.
    pub(super) fn new(linked: InstancePre<InstanceState>, way: Way) -> wasmtime::Result<Self> {
        Ok(match way {
            Way::Requests => Self::Requests(HandlerPre::new(linked)?),
            Way::WasiHttp => Self::WasiHttp(ServicePre::new(linked)?),
        })
    }

    /// Makes an instance.
    pub(super) async fn instantiate(&self, store: &mut Store<InstanceState>) -> wasmtime::Result<Entrance> {
        Ok(match self {
            Self::Requests(linked) => Entrance::Requests(linked.instantiate_async(store).await?),
            Self::WasiHttp(linked) => Entrance::WasiHttp(linked.instantiate_async(store).await?),
        })
    }
}

/// The way into an instance.
pub(super) enum Entrance {
    Requests(Handler),
    WasiHttp(Service),
}

impl Entrance {
    /// Has the instance answer a request. Returns the answer, and whether nothing of it goes on.
    pub(super) async fn answer(
        &self,
        store: &mut Store<InstanceState>,
        facts: &Arc<RequestFacts>,
    ) -> wasmtime::Result<(Response, bool)> {
        store.data_mut().begin(Arc::clone(facts));
        // What has rested for some epochs would otherwise begin by giving way to others.
        store.set_epoch_deadline(1);
        let answered = match self {
            Self::Requests(handler) => waking::unless_ready(requests::answer(handler, store, facts)).await,
            Self::WasiHttp(service) => waking::unless_ready(wasi_http::answer(service, store, facts)).await,
        };
        store.data_mut().end();
        answered
    }
}

/// An answer, with what it refuses as its code tells.
fn answered(parts: Parts, body: Bytes) -> Response {
    let code = || {
        let problem = serde_json::from_slice::<Told>(&body).ok()?;
        Some(problem.code)
    };
    let refused = Refused::told(parts.status, None).and_then(|_| Refused::told(parts.status, code().as_deref()));
    let mut response = Response::from_parts(parts, Body::from(body));
    if let Some(refused) = refused {
        response.extensions_mut().insert(refused);
    }
    response
}

/// What is read of a problem document.
#[derive(Deserialize)]
struct Told {
    code: String,
}

/// Whether no task of an instance goes on. One that does keeps what it has been told and the handles that it was given, and might
/// call on behalf of the next request.
fn is_quiet<T: 'static>(accessor: &Accessor<T>) -> bool {
    accessor.poll_no_interesting_tasks(&mut Context::from_waker(Waker::noop())).is_ready()
}
