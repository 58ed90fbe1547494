//! Records of background tasks: the lease of the process that runs one, and how its last runs ended.

use dezky_derive::entity;

use super::TaskRecordId;
use crate::{clock::Timestamp, store::Scope};

/// The record of a background task.
#[entity(
    /// The collection of task records.
    collection TASK_RECORDS = "task_records",
    scope = Scope::Platform,
    keys = Self::keys,
)]
#[derive(Debug)]
pub struct TaskRecord {
    /// Id.
    pub id: TaskRecordId,
    /// Version, which decides between processes that claim it at the same time.
    pub version: u64,
    /// Name of the task.
    #[field(impersonal)]
    pub name: String,
    /// Process that holds the lease.
    #[field(impersonal)]
    pub owner: Option<String>,
    /// End of the lease; another process may claim the task from then on.
    pub held_until: Option<Timestamp>,
    /// End of the last run that succeeded.
    pub succeeded_at: Option<Timestamp>,
    /// End of the last run that failed.
    pub failed_at: Option<Timestamp>,
    /// Number of failures in a row.
    pub failures: u32,
    /// Code and message of the last failure.
    #[field(impersonal)]
    pub last_error: Option<String>,
}

impl TaskRecord {
    /// Returns the record of a task that never ran.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            id: TaskRecordId::generate(),
            version: 0,
            name: name.to_owned(),
            owner: None,
            held_until: None,
            succeeded_at: None,
            failed_at: None,
            failures: 0,
            last_error: None,
        }
    }

    /// Returns the unique key of a record.
    #[must_use]
    pub fn key(name: &str) -> String {
        format!("name:{name}")
    }

    /// Returns when the lease of another process ends, if one holds the task.
    #[must_use]
    pub fn held_by_another(&self, owner: &str, now: Timestamp) -> Option<Timestamp> {
        let holder = self.owner.as_deref()?;
        self.held_until.filter(|until| holder != owner && *until > now)
    }

    fn keys(&self) -> Vec<String> {
        vec![Self::key(&self.name)]
    }
}
