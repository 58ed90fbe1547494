//! Metrics of the systems behind tenants.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use dezky::{domain::Choice as _, workspace::Worker};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::tasks::advance;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    system: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SystemLabels {
    system: &'static str,
}

/// Metrics by system.
#[derive(Debug, Default)]
pub(super) struct SystemMetrics {
    worker: OnceLock<Arc<Worker>>,
    requests: Family<OutcomeLabels, Counter>,
    seconds: Family<SystemLabels, Counter<f64, AtomicU64>>,
    paused: Family<SystemLabels, Gauge>,
}

impl SystemMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("system_requests", "Requests to a system behind tenants, by outcome", self.requests.clone());
        registry.register(
            "system_request_seconds",
            "Time that requests to a system behind tenants took, all together",
            self.seconds.clone(),
        );
        registry.register(
            "system_paused",
            "1 while a system behind tenants is not asked because it failed several times in a row",
            self.paused.clone(),
        );
    }

    /// Follows the systems of a worker. A process has one.
    pub(super) fn follow(&self, worker: &Arc<Worker>) {
        if self.worker.set(Arc::clone(worker)).is_err() {
            tracing::debug!("the metrics follow a worker already");
        }
    }

    /// Takes over the numbers.
    pub(super) fn refresh(&self) {
        let Some(worker) = self.worker.get() else { return };
        for kind in worker.systems().kinds() {
            let system = kind.name();
            let traffic = worker.systems().traffic(kind);
            for (outcome, total) in traffic.outcomes() {
                advance(&self.requests.get_or_create(&OutcomeLabels { system, outcome }), total);
            }
            let labels = SystemLabels { system };
            let seconds = self.seconds.get_or_create(&labels);
            seconds.inner().store(traffic.took.as_secs_f64().to_bits(), Ordering::Relaxed);
            self.paused.get_or_create(&labels).set(i64::from(worker.is_paused(kind)));
        }
    }
}
