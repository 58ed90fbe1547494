//! The outbox: events of committed changes that have no position in the log yet.

use dezky_derive::entity;

use super::{AuditResource, OutboxEventId, TenantId, UserId};
use crate::{clock::Timestamp, store::Scope};

/// An event that waits to be moved to the log. It is written in the commit of its change.
#[entity(
    /// The collection of outbox events.
    collection OUTBOX = "outbox",
    scope = Scope::Platform,
    /// Events by age.
    index OUTBOX_BY_AGE = by_age(created_at),
)]
#[derive(Debug)]
pub struct OutboxEvent {
    /// Its id: that of the audit event of the same change.
    pub id: OutboxEventId,
    /// Its version.
    pub version: u64,
    /// The action, such as `tenant.update`.
    #[field(impersonal)]
    pub action: String,
    /// The tenant concerned.
    pub tenant_id: Option<TenantId>,
    /// The person concerned.
    pub user_id: Option<UserId>,
    /// The resource that was changed; absent from events of earlier releases.
    #[field(impersonal)]
    pub resource: Option<AuditResource>,
    /// Names of the fields that changed.
    #[field(impersonal)]
    #[serde(default)]
    pub changed_fields: Vec<String>,
    /// Time of the event.
    pub created_at: Timestamp,
}
