//! What a comparison of a desired and an observed state comes to: changes, and what stands in their way.

use crate::{
    clock::Timestamp,
    domain::workspace::{Condition, ConditionStatus},
};

/// What stands in the way of the desired state, apart from changes that are to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Obstacle {
    /// Type of the condition that it is the cause of, such as `GroupReady`.
    pub condition: &'static str,
    /// Reason in one word, such as `ForeignGroup`.
    pub reason: &'static str,
    /// Explanation, and what to do about it.
    pub message: String,
    /// `true` if it passes by itself; otherwise a person has to act.
    pub passes: bool,
}

/// Changes that lead to the desired state, in order, and what stands in the way of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan<C> {
    /// Changes, each of which may be done twice.
    pub changes: Vec<C>,
    /// Obstacles.
    pub obstacles: Vec<Obstacle>,
}

impl<C> Default for Plan<C> {
    fn default() -> Self {
        Self { changes: Vec::new(), obstacles: Vec::new() }
    }
}

impl<C> Plan<C> {
    /// Returns `true` if all is as it should be.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.obstacles.is_empty()
    }

    /// Adds a change.
    pub(crate) fn change(&mut self, change: C) {
        self.changes.push(change);
    }

    /// Adds something that a person has to sort out.
    pub(crate) fn blocked(&mut self, condition: &'static str, reason: &'static str, message: impl Into<String>) {
        self.obstacles.push(Obstacle { condition, reason, message: message.into(), passes: false });
    }

    /// Adds something to wait for.
    pub(crate) fn waits(&mut self, condition: &'static str, reason: &'static str, message: impl Into<String>) {
        self.obstacles.push(Obstacle { condition, reason, message: message.into(), passes: true });
    }
}

impl Obstacle {
    /// Returns the condition that shows it.
    #[must_use]
    pub fn shown(&self, now: Timestamp) -> Condition {
        Condition {
            kind: self.condition.to_owned(),
            status: ConditionStatus::False,
            reason: self.reason.to_owned(),
            message: self.message.clone(),
            since: now,
        }
    }
}

/// Returns a condition that holds.
#[must_use]
pub fn holds(kind: &'static str, reason: &'static str, now: Timestamp) -> Condition {
    Condition {
        kind: kind.to_owned(),
        status: ConditionStatus::True,
        reason: reason.to_owned(),
        message: String::new(),
        since: now,
    }
}
