//! Request handling common to all routes: an id, a deadline and a log line.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tracing::Instrument as _;

use super::{
    host,
    refused::{Asked, ClientAddress},
};
use crate::{context::RequestContext, domain::ObjectId, trace::TraceContext};

/// Header with the request id: the client's in requests, the server's in answers.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Header of answers that repeats the client's request id.
pub const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");

/// Maximum length in bytes of an arbitrary request id that is returned as it came.
const MOST_ECHOED: usize = 256;

/// The request id, as an extension of requests that their edge has already given one, with a `traceparent` of the edge.
#[derive(Debug, Clone)]
pub struct RequestIdentity(pub String);

thread_local! {
    static CURRENT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Returns the id of the request whose handler is being polled on this thread.
pub(super) fn current_request_id() -> String {
    CURRENT.with(|current| current.borrow().clone())
}

/// Returns the client's id of the request, if it is short and plain.
///
/// It serves to trace the request through several systems.
/// It is not an id of this server: the client chooses it, and may choose that of another request.
fn named_by_client(request: &Request) -> Option<String> {
    let text = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    ((1..=64).contains(&text.len()) && text.bytes().all(plain)).then(|| text.to_owned())
}

/// Returns the span of the request: begun by an edge (an extension, or a header beside the id), or a new child.
fn trace(request: &mut Request, identified: bool) -> Option<TraceContext> {
    if let Some(begun) = request.extensions_mut().remove::<TraceContext>() {
        return Some(begun);
    }
    let received = TraceContext::from_headers(request.headers());
    if identified { received } else { Some(received.map_or_else(TraceContext::start, TraceContext::child)) }
}

/// Adds the context to the request, and the common headers to the answer.
pub(super) async fn identify(State(timeout): State<Duration>, request: Request, next: Next) -> Response {
    identify_with(timeout, request, |request| async {
        let asked = Asked::of(&request);
        let mut response = next.run(request).await;
        asked.tell(&mut response);
        response
    })
    .await
}

/// Does the same around any service.
pub(super) async fn identify_with<F: Future<Output = Response>>(
    timeout: Duration,
    mut request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response {
    // A component asks its host for the time, so it is read only if the log line is enabled.
    let started = tracing::enabled!(tracing::Level::DEBUG).then(Instant::now);
    let given = request.extensions_mut().remove::<RequestIdentity>().map(|identity| identity.0);
    let trace = trace(&mut request, given.is_some());
    let named = if given.is_some() { None } else { named_by_client(&request) };
    let repeated = named.as_deref().and_then(|name| HeaderValue::from_str(name).ok());
    let request_id = given.unwrap_or_else(|| ObjectId::generate().to_string());
    let mut context = RequestContext::within(request_id.clone(), timeout);
    context.client_request_id = named;
    context.trace = trace;
    context.client_address = request.extensions().get::<ClientAddress>().map(|address| address.0);
    request.extensions_mut().insert(context);
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let arbitrary = request.headers().get(REQUEST_ID).filter(|id| id.len() <= MOST_ECHOED).cloned();
    let as_it_came = arbitrary.filter(|_| route.starts_with("/access/v1/"));
    // At `debug`, like the log line, because formatting a span's fields costs as much as a read of the store.
    let trace_id = trace.map(|trace| tracing::field::display(trace.trace_id()));
    let span = tracing::debug_span!("request", id = %request_id, method = %request.method(), route, trace_id);
    let answered = async {
        match host::check(&request) {
            Ok(()) => answer(request).await,
            Err(error) => error.into_response(),
        }
    };
    let handled = Identified { request_id: &request_id, future: std::pin::pin!(answered) };
    let mut response = async {
        let response = handled.await;
        if let Some(started) = started {
            let (status, microseconds) = (response.status().as_u16(), started.elapsed().as_micros());
            tracing::debug!(status, microseconds = u64::try_from(microseconds).unwrap_or(u64::MAX), "answered");
        }
        response
    }
    .instrument(span)
    .await;
    // The AuthZEN Authorization API 1.0 has the client's id returned as it came (§10.1.5).
    if let Some(value) = as_it_came {
        response.headers_mut().insert(REQUEST_ID, value);
    } else if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if let Some(value) = repeated {
        response.headers_mut().insert(CLIENT_REQUEST_ID, value);
    }
    finish(response.headers_mut());
    response
}

/// Adds the common headers of every answer, which forbid content sniffing and, by default, caching.
fn finish(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// A future that sets [`current_request_id`] while it is polled: a task-local that needs no runtime.
struct Identified<'a, F> {
    request_id: &'a str,
    future: F,
}

impl<F: Future + Unpin> Future for Identified<'_, F> {
    type Output = F::Output;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        CURRENT.with(|current| {
            let mut current = current.borrow_mut();
            current.clear();
            current.push_str(self.request_id);
        });
        std::pin::Pin::new(&mut self.future).poll(context)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use axum::body::Body;

    use super::*;

    const RECEIVED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    /// The span in which a request with these `traceparent` headers is handled.
    async fn handled(headers: &[&str], identified: bool) -> Option<TraceContext> {
        let mut request = Request::builder().uri("/").header("host", "a.example");
        for header in headers {
            request = request.header("traceparent", *header);
        }
        let mut request = request.body(Body::empty()).unwrap();
        if identified {
            request.extensions_mut().insert(RequestIdentity("edge".to_owned()));
        }
        let mut trace = None;
        identify_with(Duration::from_secs(1), request, |request| {
            trace = request.extensions().get::<RequestContext>().unwrap().trace;
            std::future::ready(Response::default())
        })
        .await;
        trace
    }

    #[tokio::test]
    async fn a_request_is_a_span_of_the_trace_that_it_names_or_starts_one() {
        let received: TraceContext = RECEIVED.parse().unwrap();
        let own = handled(&[RECEIVED], false).await.unwrap();
        assert!(own.trace_id() == received.trace_id() && own.is_sampled() && own != received);
        for headers in [&[][..], &["00-broken"], &[RECEIVED, RECEIVED], &[&RECEIVED[..54]]] {
            let started = handled(headers, false).await.unwrap();
            assert!(started.trace_id() != received.trace_id() && !started.is_sampled(), "{headers:?}");
        }
        // What an edge hands on is its own span.
        assert_eq!(handled(&[RECEIVED], true).await, Some(received));
        assert_eq!(handled(&[], true).await, None);
    }
}
