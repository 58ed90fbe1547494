//! Background work: the event log with its consumers, recurring tasks, and the leases under which one process of many runs one.
//!
//! A change commits its events to the outbox. Sequencing moves them to the log in one order, where each
//! [consumer] follows them with a cursor of its own. An event is trimmed when the last cursor has passed it. Work is
//! level-triggered: a consumer looks up the current state, so that every event may be dealt with more than once.

pub mod billing;
pub mod consumer;
mod consumers;
mod cursor;
mod domains;
pub mod driver;
mod due;
mod expiry;
pub mod invitations;
mod lease;
mod live;
mod log;
mod mail;
pub mod notices;
pub mod purge;
pub mod task;
pub mod trail;
pub mod webhooks;

pub use consumer::{Backlog, CONSUMERS, Consumer, catch_up};
pub use domains::look_at_domains;
pub use driver::{Driver, Statuses};
pub use expiry::forget_expired;
pub use invitations::InvitationMail;
pub use live::StoreChanges;
pub use mail::{MOST_ATTEMPTS, PlatformMail};
pub use notices::NoticeMail;
pub use task::{Reached, Task, TaskChoice, TaskReport, TaskState, TaskStatus};
pub use webhooks::Webhooks;

use crate::{clock::Timestamp, service::Service, store::StoreError};

/// Reads the clock, for a step of background work that decides by itself.
pub(crate) async fn time(service: &Service) -> Timestamp {
    service.attempt(async |moment| moment.now()).await
}

/// Returns `true` if another worker has changed a document of a commit first, or made one of the same name.
pub(crate) fn is_overtaken(error: &StoreError) -> bool {
    error.is_conflict() || matches!(error, StoreError::DuplicateKey { .. })
}
