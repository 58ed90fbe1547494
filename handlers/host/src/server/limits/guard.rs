//! The layer around the API that holds its requests to the limits.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use dezky::{Error, ErrorKind, http::ClientAddress};
use hyper::body::Body as _;
use tokio::time;

use super::{
    Limits,
    arrival::{Arrival, BoundedBody, Fault},
    caller::noticing,
};
use crate::{configuration::counted, server::metrics::Refusal};

/// How long a request may take in all. Longer than the API's own limit of 30 s with the time in which a body must arrive.
const TIMEOUT: Duration = Duration::from_secs(45);

/// The API with its limits. What it refuses is refused inside of what gives requests their id.
pub(in crate::server) fn guarded(api: Router, limits: Arc<Limits>) -> Router {
    api.layer(middleware::from_fn_with_state(limits, guard))
}

async fn guard(State(limits): State<Arc<Limits>>, request: Request, next: Next) -> Response {
    let address = client(&request);
    let of_address = limits.of_address(address);
    let admitted = of_address.map_or(Ok(()), |standing| limits.admit(&standing)).and_then(|()| limits.enter(address));
    let (mut response, of_caller) = match admitted {
        Ok(place) => {
            let answered = noticing(answer(&limits, address, request, next)).await;
            drop(place);
            answered
        }
        Err(error) => (error.into_response(), None),
    };
    // One limit is told, the caller's own if there is one: that of an address would tell of the others behind it.
    if let Some(standing) = of_caller.or(of_address) {
        standing.write(response.headers_mut());
    }
    response
}

/// The number under which the client of a request is counted.
fn client(request: &Request) -> u128 {
    // Requests that came through no socket are those of tests.
    let address = request.extensions().get::<ClientAddress>();
    counted(address.map_or(IpAddr::from([0, 0, 0, 0]), |address| address.0))
}

async fn answer(limits: &Limits, address: u128, request: Request, next: Next) -> Response {
    let (request, arrival) = bounded(limits, address, request);
    let answered = time::timeout(TIMEOUT, next.run(request)).await;
    match (answered, arrival.and_then(|arrival| arrival.fault())) {
        (Ok(response), None) => response,
        (_, Some(Fault::NoRoom)) => limits.overloaded(Refusal::Bodies).into_response(),
        (Ok(_), Some(Fault::Late)) | (Err(_), _) => Error::new(
            ErrorKind::BadRequest,
            "request_timeout",
            "the request did not arrive completely in time: send it again",
        )
        .into_response(),
    }
}

/// The request with a body that keeps to the limits, and how it arrives, if there is one.
fn bounded(limits: &Limits, address: u128, request: Request) -> (Request, Option<Arrival>) {
    if request.body().is_end_stream() {
        return (request, None);
    }
    let (parts, body) = request.into_parts();
    let (body, arrival) = BoundedBody::new(body, limits.arrival, limits.body_bytes.reserve(address));
    (Request::from_parts(parts, Body::new(body)), Some(arrival))
}
