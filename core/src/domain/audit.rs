//! The audit trail: who did what to what, and when. Append-only.

use dezky_derive::{Stored, entity, part};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AuditEventId, ObjectId, TenantId, UserId};
use crate::{
    callers::Callers,
    clock::Timestamp,
    context::SystemActor,
    store::{Guest, Scope},
};

/// What kind of actor did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Stored)]
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
#[part]
#[derive(Debug, ToSchema)]
pub struct AuditActor {
    /// What kind of actor.
    pub kind: AuditActorKind,
    /// The person.
    #[schema(value_type = Option<String>)]
    pub user_id: Option<UserId>,
    /// The system actor.
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
#[part]
#[derive(Debug, ToSchema)]
pub struct AuditResource {
    /// The kind of thing: `tenant`, `user`, `membership`, `subscription`.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// Its id.
    #[schema(value_type = String)]
    pub id: ObjectId,
}

/// An event of the audit trail as it is stored.
#[entity(
    /// The collection of audit events.
    collection AUDIT_EVENTS = "audit_events",
    scope = Scope::Tenant("tenantId"),
    guest = Guest::Scoped { readers: Callers::ADMINS, keys: &[] },
    seen = ADMINS,
    /// All events by time.
    index AUDIT_BY_TIME = by_time(at),
    /// A tenant's events by time.
    index AUDIT_OF_TENANT = of_tenant(tenant_id, at),
    /// A person's events in a tenant by time.
    index AUDIT_OF_TENANT_AND_USER = of_tenant_and_user(tenant_id, user_id, at),
    /// A kind of event in a tenant by time.
    index AUDIT_OF_TENANT_BY_ACTION = of_tenant_by_action(tenant_id, action, at),
    /// A person's events by time.
    index AUDIT_OF_USER = of_user(user_id, at),
    /// A kind of event by time.
    index AUDIT_BY_ACTION = by_action(action, at),
    /// An event of the audit trail.
    view AuditEventView,
)]
#[derive(Debug)]
pub struct AuditEvent {
    /// Its id.
    pub id: AuditEventId,
    /// Always 1: events are never changed.
    #[field(unseen)]
    pub version: u64,
    /// When it happened.
    #[field(see)]
    pub at: Timestamp,
    /// Who did it.
    #[field(see, impersonal)]
    pub actor: AuditActor,
    /// What was done, such as `tenant.update`.
    #[field(see, impersonal)]
    pub action: String,
    /// What it was done to.
    #[field(see, impersonal)]
    pub resource: AuditResource,
    /// The tenant that it concerns.
    ///
    /// The platform's own when there is none.
    #[field(see)]
    pub tenant_id: Option<TenantId>,
    /// The person that it concerns, when the resource is a person or a membership.
    #[field(read = ADMINS)]
    pub user_id: Option<UserId>,
    /// The request that did it, by the server's own id, as `X-Request-Id` of its answer told.
    #[field(see, impersonal)]
    pub request_id: String,
    /// What the client called it in `X-Request-Id`. Whoever sends it chooses it.
    #[field(see, impersonal)]
    pub client_request_id: Option<String>,
    /// Names of the fields that changed.
    #[field(see, impersonal)]
    #[serde(default)]
    pub changed_fields: Vec<String>,
}

/// A personal value before and after a change, each cut to [`AuditValue::MAXIMUM`] characters.
#[part]
#[derive(Debug, ToSchema)]
pub struct AuditValue {
    /// Name of the field.
    pub field: String,
    /// Its value before.
    pub before: Option<String>,
    /// Its value after.
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
#[entity(
    /// The collection of personal values of audit events.
    collection AUDIT_DETAILS = "audit_details",
    scope = Scope::Platform,
    /// A person's details, for erasure.
    index DETAILS_OF_USER = of_user(user_id),
)]
#[derive(Debug)]
pub struct AuditDetails {
    /// The event's id.
    pub id: AuditEventId,
    /// Its version.
    pub version: u64,
    /// The tenant that it concerns.
    pub tenant_id: Option<TenantId>,
    /// The person whose values these are.
    pub user_id: Option<UserId>,
    /// The values; empty after erasure.
    #[field(personal)]
    pub values: Vec<AuditValue>,
}
