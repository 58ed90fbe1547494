//! Export of spans of requests and their store calls (OTLP over HTTP, in JSON).
//!
//! A request only puts its spans into a bounded queue. What finds no room there, or no collector, is dropped and counted.

use std::{
    mem,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::extract::{MatchedPath, Request};
use dezky::{
    context::RequestContext,
    outbound::{
        AllowedAddresses, CertificateAuthorities, Client, OriginClient, OutboundError, OutboundOptions, PlainHttp,
        Request as Outgoing, Url,
    },
    trace::TraceContext,
};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use super::Metrics;

/// Maximum number of spans that wait for export.
const QUEUE: usize = 4_096;

/// Maximum number of spans in one request to the collector.
const BATCH: usize = 512;

/// Longest wait for a batch to fill.
const INTERVAL: Duration = Duration::from_secs(5);

/// Time limit for handing over one batch, retries included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Kinds `SERVER` and `CLIENT`, and status `ERROR`, of the protocol.
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const ERROR: u8 = 2;

/// Queue of spans to export.
#[derive(Debug, Clone)]
pub(crate) struct Spans {
    queue: mpsc::Sender<Span>,
    metrics: Arc<Metrics>,
}

/// A request that is being answered, or a store call of one.
#[derive(Debug)]
pub(crate) struct Begun {
    own: TraceContext,
    parent: Option<TraceContext>,
    at: SystemTime,
}

/// A span that has ended.
#[derive(Debug)]
struct Span {
    begun: Begun,
    work: Work,
    took: Duration,
}

#[derive(Debug)]
enum Work {
    Request { method: &'static str, route: Option<MatchedPath>, status: u16 },
    Store(StoreCall),
}

/// A call of the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoreCall {
    /// Name of the database system in OpenTelemetry's conventions.
    pub(crate) system: &'static str,
    /// Operation of the store port.
    pub(crate) operation: &'static str,
    /// Collection, if there is only one.
    pub(crate) collection: Option<&'static str>,
    /// Kind of the error that it ended with.
    pub(crate) error: Option<&'static str>,
    /// `true` if the store has failed; conflicts are expected.
    pub(crate) failed: bool,
}

impl Spans {
    /// Creates the queue, and the task that exports to a collector until the queue is dropped.
    ///
    /// # Errors
    /// When the endpoint may not be requested.
    pub(crate) fn to(
        endpoint: &Url,
        authorities: CertificateAuthorities,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, impl Future<Output = ()> + use<>), OutboundError> {
        let client = Client::new(OutboundOptions {
            // Operators choose the collector, which usually is beside this process.
            addresses: AllowedAddresses::PUBLIC.and_private().and_loopback(),
            plain_http: PlainHttp::Anywhere,
            authorities,
            maximum_body: 64 * 1024,
            maximum_in_flight: 1,
            idle_connections: 1,
            ..OutboundOptions::default()
        });
        let collector = client.for_origin(endpoint.clone(), None)?;
        let (queue, spans) = mpsc::channel(QUEUE);
        Ok((Self { queue, metrics: Arc::clone(&metrics) }, export(spans, collector, metrics)))
    }

    /// Begins the span of a request, as which the request is handled.
    pub(super) fn begin(request: &mut Request) -> Begun {
        let parent = TraceContext::from_headers(request.headers());
        // Who begins a trace decides whether it is recorded.
        let own = parent.map_or_else(|| TraceContext::start().sampled(), TraceContext::child);
        request.extensions_mut().insert(own);
        Begun { own, parent, at: SystemTime::now() }
    }

    /// Ends the span of a request, which is exported if its trace is sampled.
    pub(super) fn end(
        &self,
        begun: Begun,
        method: &'static str,
        route: Option<MatchedPath>,
        status: u16,
        took: Duration,
    ) {
        self.put(Span { begun, work: Work::Request { method, route, status }, took });
    }

    /// Returns the queue for store calls. It does not keep the export from ending with the server.
    pub(crate) fn of_store(&self) -> StoreSpans {
        StoreSpans { queue: self.queue.downgrade(), metrics: Arc::clone(&self.metrics) }
    }

    fn put(&self, span: Span) {
        if span.begun.own.is_sampled() && self.queue.try_send(span).is_err() {
            self.metrics.spans_dropped(1);
        }
    }
}

/// Queue of the spans of store calls. It takes none after the server's end.
#[derive(Debug, Clone)]
pub(crate) struct StoreSpans {
    queue: mpsc::WeakSender<Span>,
    metrics: Arc<Metrics>,
}

impl StoreSpans {
    /// Begins the span of a store call within that of a request; none if the trace is not recorded.
    pub(crate) fn begin(parent: Option<TraceContext>) -> Option<Begun> {
        let parent = parent.filter(|parent| parent.is_sampled())?;
        Some(Begun { own: parent.child(), parent: Some(parent), at: SystemTime::now() })
    }

    /// Ends the span of a store call.
    pub(crate) fn end(&self, begun: Begun, call: StoreCall, took: Duration) {
        if let Some(queue) = self.queue.upgrade() {
            let metrics = Arc::clone(&self.metrics);
            Spans { queue, metrics }.put(Span { begun, work: Work::Store(call), took });
        }
    }
}

async fn export(mut spans: mpsc::Receiver<Span>, collector: OriginClient, metrics: Arc<Metrics>) {
    let mut batch = Vec::new();
    let mut failing = false;
    while spans.recv_many(&mut batch, BATCH).await > 0 {
        let until = Instant::now() + INTERVAL;
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            match timeout_at(until, spans.recv_many(&mut batch, room)).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        match send(&collector, &mem::take(&mut batch)).await {
            Ok(()) => failing = false,
            Err((count, error)) => {
                metrics.spans_dropped(count);
                // One line for each outage.
                if !mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "spans are not exported: is `DEZKY_OTLP_ENDPOINT` right?");
                }
            }
        }
    }
}

async fn send(collector: &OriginClient, batch: &[Span]) -> Result<(), (usize, OutboundError)> {
    let context = RequestContext::fresh().with_timeout(TIMEOUT);
    // Spans have ids: a collector that gets one twice keeps one.
    let request = Outgoing::post("/v1/traces").json(&document(batch)).idempotency_key(&context.request_id);
    let sent = collector.send(&context, &request).await.and_then(|response| response.error_for_status());
    sent.map(drop).map_err(|error| (batch.len(), error))
}

fn document(batch: &[Span]) -> Value {
    json!({ "resourceSpans": [{
        "resource": { "attributes": [
            text("service.name", "dezky"),
            text("service.version", env!("CARGO_PKG_VERSION")),
        ] },
        "scopeSpans": [{
            "scope": { "name": "dezky" },
            "spans": batch.iter().map(Span::document).collect::<Vec<_>>(),
        }],
    }] })
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

impl Span {
    fn document(&self) -> Value {
        let began = self.begun.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut span = json!({
            "traceId": self.begun.own.trace_id().to_string(),
            "spanId": self.begun.own.span_id().to_string(),
            "name": self.work.name(),
            "kind": if matches!(self.work, Work::Request { .. }) { SERVER } else { CLIENT },
            "startTimeUnixNano": began.as_nanos().to_string(),
            "endTimeUnixNano": began.saturating_add(self.took).as_nanos().to_string(),
            "attributes": self.work.attributes(),
        });
        if let Some(members) = span.as_object_mut() {
            if let Some(parent) = self.begun.parent {
                members.insert("parentSpanId".to_owned(), parent.span_id().to_string().into());
            }
            if self.work.has_failed() {
                members.insert("status".to_owned(), json!({ "code": ERROR }));
            }
        }
        span
    }
}

impl Work {
    fn name(&self) -> String {
        match self {
            Self::Request { method, route, .. } => format!("{method} {}", shown(route.as_ref())),
            Self::Store(StoreCall { operation, collection: Some(collection), .. }) => {
                format!("{operation} {collection}")
            }
            Self::Store(StoreCall { operation, .. }) => (*operation).to_owned(),
        }
    }

    /// Returns the attributes, by OpenTelemetry's conventions of HTTP and of databases.
    fn attributes(&self) -> Vec<Value> {
        match self {
            Self::Request { method, route, status } => vec![
                text("http.request.method", method),
                text("http.route", shown(route.as_ref())),
                json!({ "key": "http.response.status_code", "value": { "intValue": status.to_string() } }),
            ],
            Self::Store(call) => [
                ("db.system.name", Some(call.system)),
                ("db.operation.name", Some(call.operation)),
                ("db.collection.name", call.collection),
                ("error.type", call.error),
            ]
            .into_iter()
            .filter_map(|(key, value)| Some(text(key, value?)))
            .collect(),
        }
    }

    fn has_failed(&self) -> bool {
        match self {
            Self::Request { status, .. } => *status >= 500,
            Self::Store(call) => call.failed,
        }
    }
}

fn shown(route: Option<&MatchedPath>) -> &str {
    route.map_or("none", MatchedPath::as_str)
}
