//! Routes of the API plus the host's own: liveness, readiness and metrics.

use std::{future, mem, sync::Arc, task::Poll, time::Instant};

use axum::{
    Json, Router,
    body::Body,
    extract::{MatchedPath, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use dezky::{Code, Error, context::RequestContext, http::Refused};
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;
use tokio::runtime::Handle;

use super::{
    Limits, Metrics, Readiness, Spans,
    limits::{guarded, kept},
    metrics::MEDIA_TYPE,
    operations::Audience,
};

#[derive(Debug, Clone)]
struct Host {
    readiness: Arc<Readiness>,
    metrics: Arc<Metrics>,
    limits: Arc<Limits>,
    audience: Audience,
}

impl Host {
    /// State of the host's own routes.
    fn routes(self) -> Router {
        let limits = Arc::clone(&self.limits);
        let own = Router::new()
            .route("/healthz", get(alive))
            .route("/readyz", get(ready))
            .route("/metrics", get(measures))
            .method_not_allowed_fallback(|| async {
                Error::new(Code::METHOD_NOT_ALLOWED, "this route does not have this method: see `Allow`")
            })
            .with_state(self)
            .layer(middleware::from_fn_with_state(limits, kept));
        dezky::http::identified(own, RequestContext::DEFAULT_TIMEOUT)
    }
}

/// State of the server.
#[derive(Debug, Clone)]
pub(super) struct Sources {
    pub(super) readiness: Arc<Readiness>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) limits: Arc<Limits>,
    pub(super) spans: Option<Spans>,
}

impl Sources {
    fn observers(&self) -> Observers {
        Observers { metrics: Arc::clone(&self.metrics), spans: self.spans.clone() }
    }

    fn host(self, audience: Audience) -> Host {
        let Self { readiness, metrics, limits, .. } = self;
        Host { readiness, metrics, limits, audience }
    }
}

/// Observers of every request.
#[derive(Debug, Clone)]
struct Observers {
    metrics: Arc<Metrics>,
    spans: Option<Spans>,
}

/// Builds all routes with metrics; those of the API are subject to the limits.
pub(super) fn all(api: Router, sources: Sources, audience: Audience) -> Router {
    let (limits, observers) = (Arc::clone(&sources.limits), sources.observers());
    let own = sources.host(audience).routes();
    let api = dezky::http::identified(guarded(api, limits), RequestContext::DEFAULT_TIMEOUT);
    // The fallbacks are the API's own: layers of a router wrap them too.
    api.merge(own).layer(middleware::from_fn_with_state(observers, measure))
}

/// Builds the routes of the operations address.
pub(super) fn operations(sources: Sources) -> Router {
    // Probes and scrapes are no spans that anybody looks for.
    let observers = Observers { spans: None, ..sources.observers() };
    let absent = Router::new().fallback(|| async { dezky::http::no_such_route() });
    let absent = dezky::http::identified(absent, RequestContext::DEFAULT_TIMEOUT);
    absent.merge(sources.host(Audience::Everybody).routes()).layer(middleware::from_fn_with_state(observers, measure))
}

/// Liveness: the process responds.
async fn alive() -> Json<serde_json::Value> {
    Json(json!({ "status": "alive", "version": env!("CARGO_PKG_VERSION") }))
}

async fn ready(State(host): State<Host>, request: Request) -> Response {
    let report = host.readiness.report().await;
    let report = if host.audience.has(&request, &host.limits) { report } else { report.without_details() };
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report)).into_response()
}

async fn measures(State(host): State<Host>, request: Request) -> Response {
    if !host.audience.has(&request, &host.limits) {
        return dezky::http::no_such_route().into_response();
    }
    let ready = host.readiness.report().await.ready;
    for (limit, keys) in host.limits.keys() {
        host.metrics.remembered(limit, keys);
    }
    match host.metrics.text(&host.readiness.keys(), &host.readiness.tasks(), ready) {
        Ok(text) => {
            let mut response = Response::new(Body::from(text));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
            response
        }
        Err(error) => Error::new(Code::INTERNAL, "the metrics cannot be written").with_source(error).into_response(),
    }
}

async fn measure(State(observers): State<Observers>, mut request: Request, next: Next) -> Response {
    let Observers { metrics, spans } = observers;
    let in_flight = metrics.begin();
    let started = Instant::now();
    let method = method(request.method());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let spans = spans.map(|spans| (spans, Spans::begin(&mut request)));
    let response = next.run(request).await;
    let route = matched.as_ref().map_or("none", MatchedPath::as_str);
    if in_flight.came_among_others() || is_on_one_thread() {
        give_way().await;
    }
    let (status, took) = (response.status().as_u16(), started.elapsed());
    metrics.answered(method, route, status, took);
    if let Some((spans, begun)) = spans {
        spans.end(begun, method, matched, status, took);
    }
    if let Some(refused) = response.extensions().get::<Refused>() {
        metrics.refused(refused);
    }
    drop(in_flight);
    response
}

/// Returns whether the runtime has no other thread that yielding could wake.
fn is_on_one_thread() -> bool {
    Handle::current().metrics().num_workers() == 1
}

/// Yields to everything that is ready to run.
///
/// Requests that arrived together are then mostly processed before the first response is written, so the processor runs
/// each piece of code several times in a row from its caches. For a single request, yielding would only wake another
/// thread. tokio's own `yield_now` would poll for new requests first.
async fn give_way() {
    let mut gave_way = false;
    future::poll_fn(|context| {
        if mem::replace(&mut gave_way, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Returns a usual method, or one common label for all others, so that labels are bounded.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
