//! The audit trail: append-only events with actor, action, resource and time.

use dezky_derive::{Stored, entity, part};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AuditEventId, ObjectId, TenantId, UserId,
    trail::{Checkpoint, Removed},
};
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
    /// An API key, by `name`, which is the beginning of the key.
    ApiKey,
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
    /// Events that have no place in a chain yet, by time.
    index AUDIT_UNSEALED = unsealed(unsealed, at),
    /// Events of a chain in its order.
    index AUDIT_OF_CHAIN = of_chain(chain, seq),
    /// An event of the audit trail.
    view AuditEventView,
)]
#[derive(Debug)]
pub struct AuditEvent {
    /// Its id.
    pub id: AuditEventId,
    /// Its version: 1, and one more once it is sealed. Sealed events are never changed.
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
    #[field(see)]
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
    /// Numbers of what the change removed, by place; the sum over a person or tenant is the report of an erasure.
    #[field(see, impersonal)]
    pub removed: Option<Vec<Removed>>,
    /// Events that may be missing from the chain since this one, which retention writes.
    #[field(see, impersonal)]
    pub checkpoint: Option<Checkpoint>,
    /// SHA-256 of the personal values beside the event and their salt, in hexadecimal.
    #[field(see, impersonal)]
    pub details_digest: Option<String>,
    /// Its number in the chain of its tenant, or of the platform, once it is sealed.
    #[field(see)]
    pub seq: Option<u64>,
    /// Its seal: SHA-256 over the event and the seal before it, in hexadecimal.
    #[field(see, impersonal)]
    pub hash: Option<String>,
    /// The chain that it is in.
    #[field(read = ADMINS)]
    pub chain: Option<ObjectId>,
    /// `true` until it is sealed; absent from events of earlier releases.
    #[field(read = ADMINS)]
    pub unsealed: Option<bool>,
}

/// A personal value before and after a change, each of at most 4,000 characters.
///
/// Objects and lists are JSON in the text. What is longer is cut, and ends with `…`.
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
    scope = Scope::TenantAndPerson { tenant: "tenantId", person: "userId" },
    /// A person's details, for erasure.
    index DETAILS_OF_USER = of_user(user_id),
    /// A tenant's details, for the removal of its data.
    index DETAILS_OF_TENANT = of_tenant(tenant_id),
)]
#[derive(Debug)]
pub struct AuditDetails {
    /// The event's id.
    pub id: AuditEventId,
    /// Its version.
    pub version: u64,
    /// The tenant concerned.
    #[field(read = OWNERS | ONESELF)]
    pub tenant_id: Option<TenantId>,
    /// The person whose values these are.
    #[field(read = OWNERS | ONESELF)]
    pub user_id: Option<UserId>,
    /// The values; empty after erasure.
    #[field(personal, read = OWNERS | ONESELF)]
    pub values: Vec<AuditValue>,
    /// Random salt of the digest in the sealed event, in hexadecimal; removed with the values.
    #[field(impersonal)]
    pub salt: Option<String>,
}

impl AuditDetails {
    /// Returns them without the values and their salt, in the next version.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self { values: Vec::new(), salt: None, version: self.version.saturating_add(1), ..self.clone() }
    }
}
