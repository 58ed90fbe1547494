//! The consumers of the event log, one a file.

mod billing;
mod cancellation;
mod copies;
mod directories;
mod domains;
mod erasure;
mod notices;
mod workspace;

pub(super) use billing::BILLING;
pub(super) use cancellation::CANCELLATION;
pub(super) use copies::COPIES;
pub(super) use directories::DIRECTORIES;
pub(super) use domains::DOMAINS;
pub(super) use erasure::ERASURE;
pub(super) use notices::NOTICES;
pub(super) use workspace::WORKSPACE;

use crate::{context::SystemActor, domain::AuditActor};

/// Name of the action that erases a part of what is known of a person.
const ERASED: &str = crate::domain::system_action::USER_ERASE;

/// Maximum number of documents that one commit writes.
pub(super) const BATCH: u32 = 100;

/// Returns the actor under which consumers stand in the audit trail.
fn actor() -> AuditActor {
    AuditActor::part(SystemActor::Outbox)
}
