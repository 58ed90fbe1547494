//! Metrics in the text format of Prometheus.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64},
    },
    time::Duration,
};

use super::{systems::SystemMetrics, tasks::TaskMetrics};
use dezky::{authn::keys::KeyStatus, http::Refused, work::TaskStatus, workspace::Worker};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Registry,
};

/// Upper bounds of the buckets of request durations, in seconds.
const BUCKETS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Media type of the text.
pub(super) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Labels of a request. The route is the matched pattern, since raw paths contain ids and are unbounded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StoreErrorLabels {
    operation: &'static str,
    kind: &'static str,
}

/// Reasons for refusing a request before processing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Refusal {
    /// The address exceeds its rate.
    Address,
    /// The caller exceeds its rate.
    Caller,
    /// Too many requests are being processed.
    Overloaded,
    /// Too many bytes of bodies are in memory.
    Bodies,
    /// Too many bodies are being received.
    AwaitedBodies,
    /// Too many bytes of responses are in memory.
    Answers,
    /// The response was not taken in time.
    Untaken,
    /// Too many responses are stalled.
    Stalled,
    /// Too many HTTP/2 streams are open.
    Streams,
    /// Too many answers that go on are held open.
    Followers,
    /// Too many connections come from the address.
    Connections,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    limit: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct IssuerLabels {
    issuer: String,
}

/// All metrics.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RequestLabels, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    connections: Gauge,
    store_errors: Family<StoreErrorLabels, Counter>,
    refused: Family<RefusalLabels, Counter>,
    limited: Family<RefusalLabels, Gauge>,
    refusals: Family<CodeLabels, Counter>,
    keys: Family<IssuerLabels, Gauge>,
    key_age: Family<IssuerLabels, Gauge<f64, AtomicU64>>,
    keys_stale: Family<IssuerLabels, Gauge>,
    tasks: TaskMetrics,
    systems: SystemMetrics,
    ready: Gauge<i64, AtomicI64>,
    spans_dropped: Counter,
    component_deaths: Counter,
    component_failures: Counter,
    component_swaps: Counter,
    component_refusals: Counter,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Creates all metrics at zero.
    pub(crate) fn new() -> Self {
        let constructor: fn() -> Histogram = || Histogram::new(BUCKETS);
        let mut metrics = Self {
            registry: Registry::with_prefix("dezky"),
            requests: Family::default(),
            durations: Family::new_with_constructor(constructor),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            store_errors: Family::default(),
            refused: Family::default(),
            limited: Family::default(),
            refusals: Family::default(),
            keys: Family::default(),
            key_age: Family::default(),
            keys_stale: Family::default(),
            tasks: TaskMetrics::default(),
            systems: SystemMetrics::default(),
            ready: Gauge::default(),
            spans_dropped: Counter::default(),
            component_deaths: Counter::default(),
            component_failures: Counter::default(),
            component_swaps: Counter::default(),
            component_refusals: Counter::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The release that runs", build);
        registry.register("http_requests", "Requests that were answered", self.requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "Time from a request's head to its answer's head",
            self.durations.clone(),
        );
        registry.register("http_requests_in_flight", "Requests that are being answered", self.in_flight.clone());
        registry.register("http_connections", "Open connections", self.connections.clone());
        registry.register("store_errors", "Store operations that ended with an error", self.store_errors.clone());
        registry.register("http_refused", "Requests and connections that a limit refused", self.refused.clone());
        registry.register(
            "http_refusals",
            "Requests that were answered with 401, 403 or 429, and logouts that were refused",
            self.refusals.clone(),
        );
        registry.register("http_limited_keys", "Callers and addresses whose budget is not whole", self.limited.clone());
        registry.register("issuer_keys", "Usable signing keys that serve now", self.keys.clone());
        registry.register(
            "issuer_keys_age_seconds",
            "Age of the key set that serves; absent while there is none",
            self.key_age.clone(),
        );
        registry.register(
            "issuer_keys_stale",
            "1 while the provider is down and the last key set serves",
            self.keys_stale.clone(),
        );
        registry.register(
            "spans_dropped",
            "Spans that were not exported, because too many waited or the collector did not take them",
            self.spans_dropped.clone(),
        );
        registry.register(
            "component_deaths",
            "Instances of the component that a trap or a limit ended",
            self.component_deaths.clone(),
        );
        registry.register(
            "component_failures",
            "Requests that ended with 500 because the component died",
            self.component_failures.clone(),
        );
        registry.register(
            "component_swaps",
            "Components that were swapped for a new one",
            self.component_swaps.clone(),
        );
        registry.register(
            "component_refusals",
            "New components that were refused, the one before going on",
            self.component_refusals.clone(),
        );
        self.tasks.register(registry);
        self.systems.register(registry);
        registry.register("ready", "1 while requests can be answered", self.ready.clone());
    }

    /// Counts a request as active until the result is dropped.
    pub(super) fn begin(&self) -> InFlight {
        InFlight::new(self.in_flight.clone())
    }

    /// Counts a connection as open until the result is dropped.
    pub(super) fn connect(&self) -> InFlight {
        InFlight::new(self.connections.clone())
    }

    /// Records an answered request.
    pub(super) fn answered(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let labels = RequestLabels { method, route: route.to_owned(), status };
        self.durations.get_or_create(&labels).observe(took.as_secs_f64());
        self.requests.get_or_create(&labels).inc();
    }

    /// Records a refusal by a limit.
    pub(super) fn refuse(&self, refusal: Refusal) {
        let limit = match refusal {
            Refusal::Address => "address",
            Refusal::Caller => "caller",
            Refusal::Overloaded => "in_flight",
            Refusal::Bodies => "body_bytes",
            Refusal::AwaitedBodies => "awaited_bodies",
            Refusal::Answers => "answer_bytes",
            Refusal::Untaken => "untaken_answers",
            Refusal::Stalled => "stalled_answers",
            Refusal::Streams => "streams",
            Refusal::Followers => "followers",
            Refusal::Connections => "connections",
        };
        self.refused.get_or_create(&RefusalLabels { limit }).inc();
    }

    /// Records a refused request.
    pub(super) fn refused(&self, refused: &Refused) {
        self.refusals.get_or_create(&CodeLabels { code: refused.code() }).inc();
    }

    /// Sets the number of keys that a limit remembers.
    pub(super) fn remembered(&self, limit: &'static str, keys: usize) {
        self.limited.get_or_create(&RefusalLabels { limit }).set(i64::try_from(keys).unwrap_or(i64::MAX));
    }

    /// Records a failed store operation.
    pub(crate) fn count_store_error(&self, operation: &'static str, kind: &'static str) {
        self.store_errors.get_or_create(&StoreErrorLabels { operation, kind }).inc();
    }

    /// Records spans that are not exported.
    pub(super) fn spans_dropped(&self, spans: usize) {
        self.spans_dropped.inc_by(u64::try_from(spans).unwrap_or(u64::MAX));
    }

    /// Records an instance of the component ended by a trap or a limit.
    #[cfg(feature = "component")]
    pub(crate) fn component_died(&self) {
        self.component_deaths.inc();
    }

    /// Records a request that ended with 500 because the component died.
    #[cfg(feature = "component")]
    pub(crate) fn component_failed(&self) {
        self.component_failures.inc();
    }

    /// Records a component swap.
    #[cfg(feature = "component")]
    pub(crate) fn component_swapped(&self) {
        self.component_swaps.inc();
    }

    /// Records a refused component.
    #[cfg(feature = "component")]
    pub(crate) fn component_refused(&self) {
        self.component_refusals.inc();
    }

    /// Returns the number of requests that ended so.
    #[cfg(all(test, feature = "component"))]
    pub(crate) fn component_failures(&self) -> u64 {
        self.component_failures.get()
    }

    /// Follows the systems behind tenants that a worker reaches.
    pub(crate) fn follow(&self, worker: &Arc<Worker>) {
        self.systems.follow(worker);
    }

    /// Renders all metrics, with the given state of keys, tasks and readiness.
    pub(crate) fn text(&self, keys: &[KeyStatus], tasks: &[TaskStatus], ready: bool) -> Result<String, fmt::Error> {
        self.tasks.set(tasks);
        self.systems.refresh();
        self.ready.set(i64::from(ready));
        self.key_age.clear();
        for status in keys {
            let labels = IssuerLabels { issuer: status.issuer_id.clone() };
            self.keys.get_or_create(&labels).set(i64::try_from(status.keys).unwrap_or(i64::MAX));
            self.keys_stale.get_or_create(&labels).set(i64::from(status.stale));
            if let Some(age) = status.age {
                self.key_age.get_or_create(&labels).set(age.as_secs_f64());
            }
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Increment of a gauge that is undone on drop.
#[derive(Debug)]
pub(super) struct InFlight {
    gauge: Gauge,
    /// Value of the gauge before.
    before: i64,
}

impl InFlight {
    fn new(gauge: Gauge) -> Self {
        let before = gauge.inc();
        Self { gauge, before }
    }

    /// Returns whether the gauge was above zero before.
    pub(super) fn came_among_others(&self) -> bool {
        self.before > 0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}
