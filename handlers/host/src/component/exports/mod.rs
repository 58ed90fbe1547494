//! Exports of a component that handle requests, one interface per file.

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

/// The interface by which a component handles requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Plain records with complete bodies: without the cost of streams, futures and resources.
    Requests,
    /// `wasi:http/handler`.
    WasiHttp,
}

impl Way {
    /// Returns the best interface that a component exports.
    pub(super) fn of(component: &Component) -> Self {
        let requests = component.get_export_index(None, "dezky:platform/requests@0.3.0");
        if requests.is_some() { Self::Requests } else { Self::WasiHttp }
    }
}

/// A linked component, by the interface it handles requests with.
#[derive(Clone)]
pub(super) enum Linked {
    Requests(HandlerPre<InstanceState>),
    WasiHttp(ServicePre<InstanceState>),
}

impl Linked {
    /// Looks up its exports.
    pub(super) fn new(linked: InstancePre<InstanceState>, way: Way) -> wasmtime::Result<Self> {
        Ok(match way {
            Way::Requests => Self::Requests(HandlerPre::new(linked)?),
            Way::WasiHttp => Self::WasiHttp(ServicePre::new(linked)?),
        })
    }

    /// Creates an instance.
    pub(super) async fn instantiate(&self, store: &mut Store<InstanceState>) -> wasmtime::Result<Entrance> {
        Ok(match self {
            Self::Requests(linked) => Entrance::Requests(linked.instantiate_async(store).await?),
            Self::WasiHttp(linked) => Entrance::WasiHttp(linked.instantiate_async(store).await?),
        })
    }
}

/// The request handler of an instance.
pub(super) enum Entrance {
    Requests(Handler),
    WasiHttp(Service),
}

impl Entrance {
    /// Has the instance answer a request. Returns the answer, and `true` if no task of it is left running.
    pub(super) async fn answer(
        &self,
        store: &mut Store<InstanceState>,
        facts: &Arc<RequestFacts>,
    ) -> wasmtime::Result<(Response, bool)> {
        store.data_mut().begin(Arc::clone(facts));
        // After some idle epochs it would otherwise start by yielding.
        store.set_epoch_deadline(1);
        let answered = match self {
            Self::Requests(handler) => waking::unless_ready(requests::answer(handler, store, facts)).await,
            Self::WasiHttp(service) => waking::unless_ready(wasi_http::answer(service, store, facts)).await,
        };
        store.data_mut().end();
        answered
    }
}

/// Builds the response, with the refusal that its code names.
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

/// The members of a problem document that are read.
#[derive(Deserialize)]
struct Told {
    code: String,
}

/// Returns `true` if no task of an instance is left running.
///
/// A running task keeps the data and handles that it was given, and could make calls on behalf of the next request.
fn is_quiet<T: 'static>(accessor: &Accessor<T>) -> bool {
    accessor.poll_no_interesting_tasks(&mut Context::from_waker(Waker::noop())).is_ready()
}
