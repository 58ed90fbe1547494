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

use super::{host, refused::Asked};
use crate::{context::RequestContext, domain::ObjectId};

/// Header with the request id: the client's in requests, the server's in answers.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Header of answers that repeats the client's request id.
pub const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");

/// The request id, as an extension of requests that their edge has already given one.
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

/// Returns a `traceparent` of version 00 (W3C Trace Context §3.2), if there is one.
fn trace_parent(request: &Request) -> Option<String> {
    let text = request.headers().get("traceparent")?.to_str().ok()?;
    let mut parts = text.split('-');
    let fits = |part: Option<&str>, length: usize| {
        part.is_some_and(|part| {
            part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
        })
    };
    let version = parts.next() == Some("00");
    (version && fits(parts.next(), 32) && fits(parts.next(), 16) && fits(parts.next(), 2) && parts.next().is_none())
        .then(|| text.to_owned())
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
    let named = if given.is_some() { None } else { named_by_client(&request) };
    let repeated = named.as_deref().and_then(|name| HeaderValue::from_str(name).ok());
    let request_id = given.unwrap_or_else(|| ObjectId::generate().to_string());
    let mut context = RequestContext::within(request_id.clone(), timeout);
    context.client_request_id = named;
    context.trace_parent = trace_parent(&request);
    request.extensions_mut().insert(context);
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    // At `debug`, like the log line, because formatting a span's fields costs as much as a read of the store.
    let span = tracing::debug_span!("request", id = %request_id, method = %request.method(), route);
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
    if let Ok(value) = HeaderValue::from_str(&request_id) {
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
