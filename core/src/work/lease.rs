//! Leases: of N processes, one runs a task.
//!
//! A lease saves work and decides nothing. A process whose lease ran out while it was paused may run beside its successor;
//! every commit of a task rests on the versions of what it read, so that one of the two conflicts. Clocks that differ by more
//! than a lease lasts so cost double work, never wrong results.

use std::time::Duration;

use super::{is_overtaken, time};
use crate::{
    clock::Timestamp,
    context::SystemActor,
    domain::TaskRecord,
    error::Result,
    service::{Call, Service},
    store::{Commit, Repository},
};

/// Duration of a lease.
pub(super) const DURATION: Duration = Duration::from_secs(30);

/// Time left at which a lease is renewed: half of it, so that a slow store costs no lease.
const RENEWED_AT: Duration = Duration::from_secs(15);

/// Result of claiming a task.
#[derive(Debug)]
pub(super) enum Claim {
    /// This process holds the lease.
    Held(Lease),
    /// Another process holds it for this long.
    Elsewhere(Duration),
}

/// A lease that this process holds.
#[derive(Debug)]
pub(super) struct Lease {
    record: TaskRecord,
    owner: String,
}

/// Claims a task for a process.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn claim(service: &Service, task: &str, owner: &str) -> Result<Claim> {
    let now = time(service).await;
    let record = record(service, task).await?;
    if let Some(until) = record.held_by_another(owner, now) {
        return Ok(Claim::Elsewhere(span(now, until)));
    }
    let mut lease = Lease { record, owner: owner.to_owned() };
    Ok(match lease.hold(service, now).await? {
        true => Claim::Held(lease),
        false => Claim::Elsewhere(DURATION),
    })
}

/// Returns the stored record of a task.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn record(service: &Service, task: &str) -> Result<TaskRecord> {
    let call = Call::by_part(SystemActor::Outbox);
    let stored = service.store().load_unique(&call.context, TaskRecord::key(task)).await?;
    Ok(stored.unwrap_or_else(|| TaskRecord::new(task)))
}

impl Lease {
    /// Renews the lease if half of it has passed. Returns `false` if another process has it now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn keep(&mut self, service: &Service) -> Result<bool> {
        let now = time(service).await;
        if self.is_young(now) { Ok(true) } else { self.hold(service, now).await }
    }

    /// Returns `true` if more than half of the lease is left.
    pub(super) fn is_young(&self, now: Timestamp) -> bool {
        self.record.held_until.is_some_and(|until| span(now, until) > RENEWED_AT)
    }

    /// Notes how a run ended. It is stored when the lease is renewed or released.
    pub(super) fn note(&mut self, outcome: std::result::Result<(), String>, now: Timestamp) {
        match outcome {
            Ok(()) => {
                self.record.succeeded_at = Some(now);
                self.record.failures = 0;
            }
            Err(error) => {
                self.record.failed_at = Some(now);
                self.record.failures = self.record.failures.saturating_add(1);
                self.record.last_error = Some(error);
            }
        }
    }

    /// Releases the lease, so that any process may claim the task at once.
    ///
    /// # Errors
    /// When the store does not answer. The lease then ends by itself.
    pub(super) async fn release(mut self, service: &Service) -> Result<()> {
        self.record.owner = None;
        self.record.held_until = None;
        self.save(service).await.map(drop)
    }

    async fn hold(&mut self, service: &Service, now: Timestamp) -> Result<bool> {
        self.record.owner = Some(self.owner.clone());
        self.record.held_until = Some(now.plus(DURATION));
        self.save(service).await
    }

    /// Stores the record. Returns `false` if another process has changed it.
    async fn save(&mut self, service: &Service) -> Result<bool> {
        let call = Call::by_part(SystemActor::Outbox);
        let stored = self.record.version;
        self.record.version = stored.saturating_add(1);
        let mut commit = Commit::new();
        match stored {
            0 => commit.insert(&self.record)?,
            stored => commit.update(&self.record, stored)?,
        }
        match service.store().commit(&call.context, &commit).await {
            Ok(()) => Ok(true),
            Err(error) if is_overtaken(&error) => Ok(false),
            Err(error) => {
                // The commit may or may not have happened: the next attempt reads the record again.
                self.record.version = stored;
                Err(error.into())
            }
        }
    }
}

/// Returns the time from one instant to a later one.
pub(super) fn span(from: Timestamp, to: Timestamp) -> Duration {
    let milliseconds = to.milliseconds().saturating_sub(from.milliseconds());
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0))
}
