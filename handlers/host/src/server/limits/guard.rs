//! The layer around the API that holds its requests to the limits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use dezky::{Error, ErrorKind};
use hyper::body::Body as _;
use tokio::time;

use super::{Limits, arrival::TimedBody, caller::noticing};

/// How long a request may take in all. Longer than the API's own limit of 30 s with the time in which a body must arrive.
const TIMEOUT: Duration = Duration::from_secs(45);

/// The API with its limits. What it refuses is refused inside of what gives requests their id.
pub(in crate::server) fn guarded(api: Router, limits: Arc<Limits>) -> Router {
    api.layer(middleware::from_fn_with_state(limits, guard))
}

async fn guard(State(limits): State<Arc<Limits>>, request: Request, next: Next) -> Response {
    let address = limits.client(&request);
    let of_address = limits.of_address(address);
    let admitted = of_address.map_or(Ok(()), |standing| limits.admit(&standing)).and_then(|()| limits.enter(address));
    let (mut response, of_caller) = match admitted {
        Ok(place) => {
            let answered = noticing(answer(request, next, limits.arrival())).await;
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

async fn answer(request: Request, next: Next, arrival: Duration) -> Response {
    let (request, late) = timed(request, arrival);
    let answered = time::timeout(TIMEOUT, next.run(request)).await;
    match answered {
        Ok(response) if !late.is_some_and(|late| late.load(Ordering::Acquire)) => response,
        Ok(_) | Err(_) => Error::new(
            ErrorKind::BadRequest,
            "request_timeout",
            "the request did not arrive completely in time: send it again",
        )
        .into_response(),
    }
}

fn timed(request: Request, arrival: Duration) -> (Request, Option<Arc<AtomicBool>>) {
    if request.body().is_end_stream() {
        return (request, None);
    }
    let (parts, body) = request.into_parts();
    let (body, late) = TimedBody::new(body, arrival);
    (Request::from_parts(parts, Body::new(body)), Some(late))
}
