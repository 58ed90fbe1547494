//! Metrics of background tasks, and of the events that wait for those that consume them.

use std::sync::atomic::AtomicU64;

use dezky::{
    clock::{Clock as _, SystemClock},
    work::{TaskState, TaskStatus},
};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TaskLabels {
    task: &'static str,
}

/// Metrics by task.
#[derive(Debug, Default)]
pub(super) struct TaskMetrics {
    runs: Family<TaskLabels, Counter>,
    failures: Family<TaskLabels, Counter>,
    failing: Family<TaskLabels, Gauge>,
    succeeded_at: Family<TaskLabels, Gauge<f64, AtomicU64>>,
    waiting: Family<TaskLabels, Gauge>,
    deferred: Family<TaskLabels, Gauge>,
    age: Family<TaskLabels, Gauge<f64, AtomicU64>>,
}

impl TaskMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("task_runs", "Runs of a background task that succeeded", self.runs.clone());
        registry.register("task_failures", "Runs of a background task that failed", self.failures.clone());
        registry.register("task_failing", "1 while a background task fails and is retried", self.failing.clone());
        registry.register(
            "task_last_success_timestamp_seconds",
            "End of the last run that succeeded in this process",
            self.succeeded_at.clone(),
        );
        registry.register("events_waiting", "Events that wait for a task, counted up to 200", self.waiting.clone());
        registry.register(
            "events_deferred",
            "Events that failed and wait for a retry, counted up to 100",
            self.deferred.clone(),
        );
        registry.register(
            "events_oldest_age_seconds",
            "Age of the oldest event that waits for a task; 0 when none waits",
            self.age.clone(),
        );
    }

    /// Takes over the states of the tasks.
    pub(super) fn set(&self, tasks: &[TaskStatus]) {
        let now = SystemClock.now();
        for status in tasks {
            let labels = TaskLabels { task: status.name };
            advance(&self.runs.get_or_create(&labels), status.succeeded);
            advance(&self.failures.get_or_create(&labels), status.failed);
            self.failing.get_or_create(&labels).set(i64::from(status.state == TaskState::Failing));
            if let Some(at) = status.succeeded_at {
                self.succeeded_at.get_or_create(&labels).set(seconds(at.milliseconds()));
            }
            let Some(backlog) = status.backlog else { continue };
            self.waiting.get_or_create(&labels).set(count(backlog.waiting));
            self.deferred.get_or_create(&labels).set(count(backlog.deferred));
            let age = backlog.oldest.map_or(0, |oldest| (now.milliseconds() - oldest.milliseconds()).max(0));
            self.age.get_or_create(&labels).set(seconds(age));
        }
    }
}

/// Brings a counter to a total that only grows.
pub(super) fn advance(counter: &Counter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[allow(clippy::cast_precision_loss, reason = "metrics are floating point, and this is exact for 285,000 years")]
fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1_000.0
}
