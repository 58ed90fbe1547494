//! The workspace behind a tenant: identity, mail and files, reconciled by level-triggered controllers.
//!
//! What should be is computed from the store by a pure function ([`desired()`]), what is there is observed, and the
//! difference is applied by changes that may each be done twice. Creation, update, suspension, deletion and repair are the
//! same loop with another desired state. Each system of a tenant, each person in its group and each mailbox has a state
//! ([`crate::domain::workspace::SystemState`]) that workers claim when it is due. See `docs/design/workspace.md`.

mod breaker;
pub mod by_hand;
mod claim;
pub mod desired;
mod dns;
pub mod files;
pub mod identity;
pub mod mail;
pub mod mark;
pub mod plan;
mod planned;
mod public_dns;
mod reconcile;
mod schedule;
mod survey;
mod systems;
pub(crate) mod turned;
pub mod worker;

pub use desired::{Presence, Workspace, WorkspaceSettings, desired};
pub use planned::PlannedRun;
pub(crate) use reconcile::RECONCILED;
pub use survey::{remark, survey};
pub use systems::{Drift, Systems};
pub use worker::Worker;

use crate::{
    context::SystemActor,
    domain::{AuditActor, AuditActorKind},
};

/// Returns the actor under which controllers stand in the audit trail.
fn actor() -> AuditActor {
    AuditActor {
        kind: AuditActorKind::Provisioning,
        user_id: None,
        name: Some(SystemActor::Provisioning.name().to_owned()),
    }
}
