//! The audit trail: who did what to what, and when. Append-only.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AuditEventId, ObjectId, TenantId, UserId};
use crate::{
    clock::Timestamp,
    context::SystemActor,
    store::{Collection, Entity, Field, FieldType, Guest, Index, Scope},
};

/// What kind of actor did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditActorKind {
    /// A person, by `userId`.
    User,
    /// A named system actor, by `name`.
    System,
    /// The saga that sets up the systems behind a tenant.
    Provisioning,
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditActor {
    /// What kind of actor.
    pub kind: AuditActorKind,
    /// The person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub user_id: Option<UserId>,
    /// The system actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl AuditActor {
    /// A part of the system.
    #[must_use]
    pub fn part(part: SystemActor) -> Self {
        Self { kind: AuditActorKind::System, user_id: None, name: Some(part.name().to_owned()) }
    }
}

/// What it was done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditResource {
    /// The kind of thing: `tenant`, `user`, `membership`, `subscription`.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// Its id.
    #[schema(value_type = String)]
    pub id: ObjectId,
}

/// An event of the audit trail as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// Its id.
    pub id: AuditEventId,
    /// Always 1: events are never changed.
    pub version: u64,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub actor: AuditActor,
    /// What was done, such as `tenant.update`.
    pub action: String,
    /// What it was done to.
    pub resource: AuditResource,
    /// The tenant that it concerns; the platform's own when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// The person that it concerns, when the resource is a person or a membership.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The request that did it, by the server's own id.
    pub request_id: String,
    /// What the client called it. Whoever sends it chooses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request_id: Option<String>,
    /// Names of the fields that changed.
    #[serde(default)]
    pub changed_fields: Vec<String>,
}

/// A personal value before and after a change, each cut to [`AuditValue::MAXIMUM`] characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditValue {
    /// Name of the field.
    pub field: String,
    /// Its value before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Its value after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl AuditValue {
    /// Most characters of a value that are kept: as many as a field of this release may have. Documents of the replaced service have no bounds.
    pub const MAXIMUM: usize = 4_000;

    /// The values of a field; one that is too long is cut, and ends in `…`.
    #[must_use]
    pub fn new(field: String, before: Option<String>, after: Option<String>) -> Self {
        let bounded = |value: String| match value.char_indices().nth(Self::MAXIMUM) {
            None => value,
            Some(_) => value.chars().take(Self::MAXIMUM.saturating_sub(1)).chain(['…']).collect(),
        };
        Self { field, before: before.map(bounded), after: after.map(bounded) }
    }
}

/// Personal values of an audit event, beside it so that erasure may empty them without touching the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditDetails {
    /// The event's id.
    pub id: AuditEventId,
    /// Its version.
    pub version: u64,
    /// The tenant that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// The person whose values these are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The values; empty after erasure.
    pub values: Vec<AuditValue>,
}

/// All events by time.
pub const AUDIT_BY_TIME: Index = Index { name: "by_time", fields: &["at"] };

/// A tenant's events by time.
pub const AUDIT_OF_TENANT: Index = Index { name: "of_tenant", fields: &["tenantId", "at"] };

/// A person's events by time.
pub const AUDIT_OF_USER: Index = Index { name: "of_user", fields: &["userId", "at"] };

/// A person's events in a tenant by time.
pub const AUDIT_OF_TENANT_AND_USER: Index = Index { name: "of_tenant_and_user", fields: &["tenantId", "userId", "at"] };

/// A kind of event in a tenant by time.
pub const AUDIT_OF_TENANT_BY_ACTION: Index =
    Index { name: "of_tenant_by_action", fields: &["tenantId", "action", "at"] };

/// A kind of event by time.
pub const AUDIT_BY_ACTION: Index = Index { name: "by_action", fields: &["action", "at"] };

const ACTOR: &[Field] =
    &[Field::new("kind", FieldType::Text), Field::new("userId", FieldType::Id), Field::new("name", FieldType::Text)];

const RESOURCE: &[Field] = &[Field::new("type", FieldType::Text), Field::new("id", FieldType::Id)];

/// The collection of audit events.
pub static AUDIT_EVENTS: Collection = Collection {
    name: "audit_events",
    fields: &[
        Field::new("version", FieldType::Integer),
        Field::new("at", FieldType::Time),
        Field::new("actor", FieldType::Object(ACTOR)),
        Field::new("action", FieldType::Text),
        Field::new("resource", FieldType::Object(RESOURCE)),
        Field::new("tenantId", FieldType::Id),
        Field::new("userId", FieldType::Id),
        Field::new("requestId", FieldType::Text),
        Field::new("clientRequestId", FieldType::Text),
        Field::new("changedFields", FieldType::List(&FieldType::Text)),
    ],
    indexes: &[
        AUDIT_BY_TIME,
        AUDIT_OF_TENANT,
        AUDIT_OF_TENANT_AND_USER,
        AUDIT_OF_TENANT_BY_ACTION,
        AUDIT_OF_USER,
        AUDIT_BY_ACTION,
    ],
    scope: Scope::Tenant("tenantId"),
    guest: Guest::Closed,
};

const VALUE: FieldType = FieldType::Object(&[
    Field::new("field", FieldType::Text),
    Field::new("before", FieldType::Text),
    Field::new("after", FieldType::Text),
]);

/// A person's details, for erasure.
pub const DETAILS_OF_USER: Index = Index { name: "of_user", fields: &["userId"] };

/// The collection of personal values of audit events.
pub static AUDIT_DETAILS: Collection = Collection {
    name: "audit_details",
    fields: &[
        Field::new("version", FieldType::Integer),
        Field::new("tenantId", FieldType::Id),
        Field::new("userId", FieldType::Id),
        Field::new("values", FieldType::List(&VALUE)),
    ],
    indexes: &[DETAILS_OF_USER],
    scope: Scope::Platform,
    guest: Guest::Closed,
};

impl Entity for AuditEvent {
    const COLLECTION: &'static Collection = &AUDIT_EVENTS;

    fn id(&self) -> ObjectId {
        self.id.0
    }

    fn version(&self) -> u64 {
        self.version
    }
}

impl Entity for AuditDetails {
    const COLLECTION: &'static Collection = &AUDIT_DETAILS;

    fn id(&self) -> ObjectId {
        self.id.0
    }

    fn version(&self) -> u64 {
        self.version
    }
}
