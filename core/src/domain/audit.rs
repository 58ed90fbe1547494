//! The audit trail: append-only events with actor, action, resource and time.

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

/// The kind of an actor.
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

/// The actor of an event.
#[part]
#[derive(Debug, ToSchema)]
pub struct AuditActor {
    /// The kind of actor.
    pub kind: AuditActorKind,
    /// The person.
    #[schema(value_type = Option<String>)]
    pub user_id: Option<UserId>,
    /// The system actor.
    pub name: Option<String>,
}

impl AuditActor {
    /// Creates the actor for a part of the system.
    #[must_use]
    pub fn part(part: SystemActor) -> Self {
        Self { kind: AuditActorKind::System, user_id: None, name: Some(part.name().to_owned()) }
    }
}

/// The resource of an event.
#[part]
#[derive(Debug, ToSchema)]
pub struct AuditResource {
    /// The type of resource: `tenant`, `user`, `membership` or `subscription`.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// Its id.
    #[schema(value_type = String)]
    pub id: ObjectId,
}

/// A stored event of the audit trail.
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
    /// A tenant's events of one action by time.
    index AUDIT_OF_TENANT_BY_ACTION = of_tenant_by_action(tenant_id, action, at),
    /// A person's events by time.
    index AUDIT_OF_USER = of_user(user_id, at),
    /// Events of one action by time.
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
    /// Time of the event.
    #[field(see)]
    pub at: Timestamp,
    /// The actor.
    #[field(see, impersonal)]
    pub actor: AuditActor,
    /// The action, such as `tenant.update`.
    #[field(see, impersonal)]
    pub action: String,
    /// The resource that was changed.
    #[field(see, impersonal)]
    pub resource: AuditResource,
    /// The tenant concerned.
    ///
    /// The platform's own trail has events without one.
    #[field(see)]
    pub tenant_id: Option<TenantId>,
    /// The person concerned, if the resource is a person or a membership.
    #[field(read = ADMINS)]
    pub user_id: Option<UserId>,
    /// Request id of the change, assigned by the server and returned as `X-Request-Id`.
    #[field(see, impersonal)]
    pub request_id: String,
    /// Request id that the client sent in `X-Request-Id`; chosen by the client, so not reliable.
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
    /// Maximum length of a stored value, equal to the longest field. Values of the replaced service have no limit.
    pub const MAXIMUM: usize = 4_000;

    /// Creates the values of a field, truncating long ones with `…` at the end.
    #[must_use]
    pub fn new(field: String, before: Option<String>, after: Option<String>) -> Self {
        let bounded = |value: String| match value.char_indices().nth(Self::MAXIMUM) {
            None => value,
            Some(_) => value.chars().take(Self::MAXIMUM.saturating_sub(1)).chain(['…']).collect(),
        };
        Self { field, before: before.map(bounded), after: after.map(bounded) }
    }
}

/// Personal values of an audit event.
///
/// They are separate from it so that erasure can clear them without changing the event.
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
    /// The tenant concerned.
    pub tenant_id: Option<TenantId>,
    /// The person whose values these are.
    pub user_id: Option<UserId>,
    /// The values; empty after erasure.
    #[field(personal)]
    pub values: Vec<AuditValue>,
}
