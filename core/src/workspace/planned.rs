//! Changes that controllers would make, told by a dry run.

use serde::Serialize;

use crate::domain::{
    ObjectId,
    workspace::{Condition, SystemKind},
};

/// The changes that a run over one state would make now.
///
/// A change that rests on another, such as a setting of something that is still to be created, is told once that other is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PlannedRun {
    /// The system.
    pub system: SystemKind,
    /// The person or the mailbox; `None` for the system itself.
    pub subject: Option<ObjectId>,
    /// Names of the changes, in order, as the audit trail has them.
    pub changes: Vec<String>,
    /// Conditions that do not hold.
    pub obstacles: Vec<Condition>,
    /// Failure of the system, if it does not answer.
    pub failure: Option<String>,
}

impl PlannedRun {
    /// Returns `true` if all is as it should be.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.obstacles.is_empty() && self.failure.is_none()
    }
}
