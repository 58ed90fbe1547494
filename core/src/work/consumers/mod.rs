//! The consumers of the event log, one a file.

mod cancellation;
mod copies;
mod erasure;

pub(super) use cancellation::CANCELLATION;
pub(super) use copies::COPIES;
pub(super) use erasure::ERASURE;

use crate::{context::SystemActor, domain::AuditActor};

/// Maximum number of documents that one commit writes.
const BATCH: u32 = 100;

/// Returns the actor under which consumers stand in the audit trail.
fn actor() -> AuditActor {
    AuditActor::part(SystemActor::Outbox)
}
