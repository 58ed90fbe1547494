//! The outbox: what happened, for the work that follows from it.

use serde::{Deserialize, Serialize};

use super::{ObjectId, OutboxEventId, TenantId, UserId};
use crate::{
    clock::Timestamp,
    store::{Collection, Entity, Field, FieldType, Guest, Index, Scope},
};

/// An event that waits to be worked on. Its id is the id of the commit that wrote it; it is removed when done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxEvent {
    /// Its id.
    pub id: OutboxEventId,
    /// Its version.
    pub version: u64,
    /// What happened, such as `tenant.update`.
    pub action: String,
    /// The tenant that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// The person that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Names of the fields that changed.
    #[serde(default)]
    pub changed_fields: Vec<String>,
    /// When it happened.
    pub created_at: Timestamp,
}

/// Events by age.
pub const OUTBOX_BY_AGE: Index = Index { name: "by_age", fields: &["createdAt"] };

/// The collection of outbox events.
pub static OUTBOX: Collection = Collection {
    name: "outbox",
    fields: &[
        Field::new("version", FieldType::Integer),
        Field::new("action", FieldType::Text),
        Field::new("tenantId", FieldType::Id),
        Field::new("userId", FieldType::Id),
        Field::new("changedFields", FieldType::List(&FieldType::Text)),
        Field::new("createdAt", FieldType::Time),
    ],
    indexes: &[OUTBOX_BY_AGE],
    scope: Scope::Platform,
    guest: Guest::Closed,
};

impl Entity for OutboxEvent {
    const COLLECTION: &'static Collection = &OUTBOX;

    fn id(&self) -> ObjectId {
        self.id.0
    }

    fn version(&self) -> u64 {
        self.version
    }
}
