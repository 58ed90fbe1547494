//! Middleware that enforces the limits on the API.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use dezky::{Code, Error, Result};
use http::Method;
use hyper::body::Body as _;
use tokio::time;

use super::{
    Holding, Limits,
    arrival::{Arrival, BoundedBody, Fault},
    caller::noticing,
};
use crate::server::metrics::Refusal;

/// Time limit of a whole request. Exceeds the API's own limit of 30 s plus the time for receiving a body.
const TIMEOUT: Duration = Duration::from_secs(45);

/// Wraps the API with its limits. Refusals happen within the layer that assigns request ids.
pub(in crate::server) fn guarded(api: Router, limits: Arc<Limits>) -> Router {
    api.layer(middleware::from_fn_with_state(limits, guard))
}

async fn guard(State(limits): State<Arc<Limits>>, request: Request, next: Next) -> Response {
    let holding = holding(&limits, &request);
    let of_address = limits.of_address(holding.client());
    let admitted = of_address.map_or(Ok(()), |decision| limits.admit(&decision));
    let (mut response, of_caller) = match admitted.and_then(|()| enter(&limits, &holding, &request)) {
        Ok(()) => noticing(answer(&limits, &holding, request, next)).await,
        Err(error) => (error.into_response(), None),
    };
    // Only one limit is shown, the caller's if there is one: an address's would reveal others behind it.
    if let Some(decision) = of_caller.or(of_address) {
        decision.write(response.headers_mut());
    }
    response
}

/// Accounts for responses of routes besides the API until they are taken.
pub(in crate::server) async fn kept(State(limits): State<Arc<Limits>>, request: Request, next: Next) -> Response {
    let holding = holding(&limits, &request);
    let response = next.run(request).await;
    keep(&holding, response)
}

/// Returns a request's resources. A request without a socket, as in tests, holds them until its response.
fn holding(limits: &Arc<Limits>, request: &Request) -> Arc<Holding> {
    let given = request.extensions().get::<Arc<Holding>>();
    given.map_or_else(|| Holding::new(limits, 0, None), Arc::clone)
}

/// Takes a slot: for an arriving body if one is read, else for a processed request.
fn enter(limits: &Limits, holding: &Holding, request: &Request) -> Result<()> {
    let (entered, refusal) = if awaits_body(request) {
        (holding.await_body(), Refusal::AwaitedBodies)
    } else {
        (holding.enter(), Refusal::Overloaded)
    };
    if entered { Ok(()) } else { Err(limits.overloaded(refusal)) }
}

/// Returns whether a body will be read.
fn awaits_body(request: &Request) -> bool {
    !request.body().is_end_stream() && !matches!(*request.method(), Method::GET | Method::HEAD)
}

async fn answer(limits: &Limits, holding: &Arc<Holding>, request: Request, next: Next) -> Response {
    let (request, arrival) = bounded(limits, holding, request);
    let answered = time::timeout(TIMEOUT, next.run(request)).await;
    match (answered, arrival.and_then(|arrival| arrival.fault())) {
        (Ok(response), None) => keep(holding, response),
        (_, Some(Fault::NoRoom)) => limits.overloaded(Refusal::Bodies).into_response(),
        (_, Some(Fault::NoPlace)) => limits.overloaded(Refusal::Overloaded).into_response(),
        (_, Some(Fault::Late)) => {
            Error::new(Code::REQUEST_TIMEOUT, "the request did not arrive completely in time: send it again")
                .into_response()
        }
        (Err(_), None) => dezky::http::problem::too_slow().into_response(),
    }
}

/// Returns the response, if there is room for it.
fn keep(holding: &Holding, response: Response) -> Response {
    match holding.keep(&response) {
        Ok(()) => response,
        Err(error) => error.into_response(),
    }
}

/// Wraps the body of a request to enforce the limits, and returns its arrival state, if any.
fn bounded(limits: &Limits, holding: &Arc<Holding>, request: Request) -> (Request, Option<Arrival>) {
    if request.body().is_end_stream() {
        return (request, None);
    }
    let awaited = awaits_body(&request).then(|| Arc::clone(holding));
    let (parts, body) = request.into_parts();
    let slots = limits.body_bytes.reserve(holding.client());
    let (body, arrival) = BoundedBody::new(body, limits.arrival, slots, awaited);
    (Request::from_parts(parts, Body::new(body)), Some(arrival))
}
