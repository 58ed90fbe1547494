//! The outbox: what happened, for the work that follows from it.

use dezky_derive::entity;

use super::{OutboxEventId, TenantId, UserId};
use crate::{clock::Timestamp, store::Scope};

/// An event that waits to be worked on. Its id is the id of the commit that wrote it; it is removed when done.
#[entity(
    /// The collection of outbox events.
    collection OUTBOX = "outbox",
    scope = Scope::Platform,
    /// Events by age.
    index OUTBOX_BY_AGE = by_age(created_at),
)]
#[derive(Debug)]
pub struct OutboxEvent {
    /// Its id.
    pub id: OutboxEventId,
    /// Its version.
    pub version: u64,
    /// What happened, such as `tenant.update`.
    #[field(impersonal)]
    pub action: String,
    /// The tenant that it concerns.
    pub tenant_id: Option<TenantId>,
    /// The person that it concerns.
    pub user_id: Option<UserId>,
    /// Names of the fields that changed.
    #[field(impersonal)]
    #[serde(default)]
    pub changed_fields: Vec<String>,
    /// When it happened.
    pub created_at: Timestamp,
}
