//! Readiness: whether requests can be answered, and why not.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use dezky::{
    authn::{Verifier, keys::KeyStatus},
    context::{RequestContext, SystemActor},
    store::{SharedStore, StoreError},
    work::{Statuses, Task, TaskState, TaskStatus, driver::explain},
};
use serde::Serialize;
use tokio::sync::Mutex;

/// Maximum wait for the store's health.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Maximum age of the store's last health result, so that frequent probes are cheap.
const FRESH: Duration = Duration::from_secs(1);

/// Failed check of the store with its reason.
type StoreFault = (&'static str, String);

/// Readiness of the process.
#[derive(Debug)]
pub(crate) struct Readiness {
    store: SharedStore,
    verifier: Option<Verifier>,
    tasks: Statuses,
    stopping: AtomicBool,
    /// Last health result of the store, with its time. The lock is held during the query, so there is only one at a
    /// time.
    last: Mutex<Option<(Instant, Option<StoreFault>)>>,
}

/// Response of `/readyz`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Flag: requests can be answered.
    pub(crate) ready: bool,
    /// Failed checks.
    pub(crate) not_ready: Vec<FailedCheck>,
    /// Failed checks that affect only one tenant's users; a detail, since it names tenants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) degraded: Option<Vec<FailedCheck>>,
    /// Background tasks that fail; a detail. They are retried, and requests are answered all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failing_tasks: Option<Vec<FailedCheck>>,
    /// Keys of every issuer; a detail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) issuers: Option<Vec<KeyStatus>>,
}

/// A failed check.
#[derive(Debug, Serialize)]
pub(crate) struct FailedCheck {
    /// `store`, `migration`, `seed`, `issuer ID` or `process`.
    pub(crate) what: String,
    /// The reason; a detail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
}

impl Report {
    /// Reduces to the public part: names of failed checks without reasons.
    pub(crate) fn without_details(mut self) -> Self {
        self.issuers = None;
        self.degraded = None;
        self.failing_tasks = None;
        self.not_ready.iter_mut().for_each(|failed| failed.why = None);
        self
    }
}

impl Readiness {
    /// Creates the state of a process that runs these tasks.
    ///
    /// `verifier` is that of a server; a worker verifies no tokens, and needs no keys.
    pub(crate) fn new(store: SharedStore, verifier: Option<Verifier>, tasks: Statuses) -> Arc<Self> {
        Arc::new(Self { store, verifier, tasks, stopping: AtomicBool::new(false), last: Mutex::new(None) })
    }

    /// Waits until the first tenant exists.
    pub(crate) async fn until_seeded(&self) {
        if self.tasks.until(Task::FIRST_TENANT, |status| status.state == TaskState::Finished).await.is_none() {
            // The task ends before only with the process.
            std::future::pending::<()>().await;
        }
    }

    /// Returns the state of the background tasks.
    pub(super) fn tasks(&self) -> Vec<TaskStatus> {
        self.tasks.now()
    }

    /// Marks the process as shutting down.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Returns whether the process is shutting down.
    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Returns the state of every issuer's keys.
    pub(super) fn keys(&self) -> Vec<KeyStatus> {
        self.verifier.as_ref().map(Verifier::key_status).unwrap_or_default()
    }

    /// Runs all checks.
    pub(crate) async fn report(&self) -> Report {
        let mut not_ready = Vec::new();
        let mut failed = |what: String, why: String| not_ready.push(FailedCheck { what, why: Some(why) });
        if self.stopping() {
            failed("process".to_owned(), "it is stopping".to_owned());
        }
        if let Some((what, why)) = self.store_obstacle().await {
            failed(what.to_owned(), why);
        }
        let tasks = self.tasks();
        if let Some(seed) =
            tasks.iter().find(|task| task.name == Task::FIRST_TENANT && task.state != TaskState::Finished)
        {
            let why = seed.last_error.as_deref().map_or_else(|| "it has not been done yet".to_owned(), explain);
            failed("seed".to_owned(), why);
        }
        let failing = tasks.iter().filter(|task| task.state == TaskState::Failing && task.name != Task::FIRST_TENANT);
        let failing = failing
            .map(|task| FailedCheck { what: task.name.to_owned(), why: task.last_error.as_deref().map(explain) });
        let failing_tasks = Some(failing.collect());
        let issuers = self.keys();
        let mut degraded = Vec::new();
        for status in issuers.iter().filter(|status| !status.ready()) {
            let why = status.last_error.clone().unwrap_or_else(|| "its keys have not been fetched yet".to_owned());
            let failed = FailedCheck { what: format!("issuer {}", status.issuer_id), why: Some(why) };
            // A tenant's own identity provider must not affect others.
            if status.tenant.is_some() { degraded.push(failed) } else { not_ready.push(failed) }
        }
        Report {
            ready: not_ready.is_empty(),
            not_ready,
            degraded: Some(degraded),
            failing_tasks,
            issuers: Some(issuers),
        }
    }

    async fn store_obstacle(&self) -> Option<StoreFault> {
        let mut last = self.last.lock().await;
        if let Some((when, answer)) = &*last
            && when.elapsed() < FRESH
        {
            return answer.clone();
        }
        let context = RequestContext::by_part(SystemActor::Readiness).with_timeout(TIMEOUT);
        // The store observes the deadline; the second limit is for one that does not.
        let answer = match tokio::time::timeout(TIMEOUT * 2, self.store.health(&context)).await {
            Ok(Ok(())) => None,
            Ok(Err(error @ StoreError::NotUpgraded { .. })) => Some(("migration", error.to_string())),
            Ok(Err(error)) => Some(("store", error.to_string())),
            Err(_) => Some(("store", "the store did not answer in time".to_owned())),
        };
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}
