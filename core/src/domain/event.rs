//! The event log: changes in the order in which consumers follow them.

use dezky_derive::entity;

use super::{AuditResource, CursorId, DeferredEventId, EventId, OutboxEvent, TenantId, UserId};
use crate::{clock::Timestamp, store::Scope};

/// An event of the log. It comes from the outbox, where its change put it, and keeps its id.
#[entity(
    /// The collection of events.
    collection EVENTS = "events",
    scope = Scope::Platform,
    /// Events in the order of the log.
    index EVENTS_IN_ORDER = in_order(sequence),
    /// Events of a tenant in the order of the log.
    index EVENTS_OF_TENANT = of_tenant(tenant_id, sequence),
)]
#[derive(Debug)]
pub struct Event {
    /// Id that it had in the outbox.
    pub id: EventId,
    /// Version.
    pub version: u64,
    /// Position in the log, from 1 on without gaps.
    pub sequence: u64,
    /// Name of the action, such as `tenant.update`.
    #[field(impersonal)]
    pub action: String,
    /// Tenant that it concerns.
    pub tenant_id: Option<TenantId>,
    /// Person that it concerns.
    pub user_id: Option<UserId>,
    /// The resource that was changed; absent from events of earlier releases.
    #[field(impersonal)]
    pub resource: Option<AuditResource>,
    /// Names of the fields that changed.
    #[field(impersonal)]
    #[serde(default)]
    pub changed_fields: Vec<String>,
    /// Time of the change.
    pub created_at: Timestamp,
}

impl Event {
    /// Gives an event of the outbox its position in the log.
    #[must_use]
    pub fn at(sequence: u64, event: OutboxEvent) -> Self {
        let OutboxEvent { id, version: _, action, tenant_id, user_id, resource, changed_fields, created_at } = event;
        let id = EventId(id.0);
        Self { id, version: 1, sequence, action, tenant_id, user_id, resource, changed_fields, created_at }
    }
}

/// A position in the log: where a consumer goes on, or under [`Cursor::LOG`] the end of the log.
#[entity(
    /// The collection of cursors.
    collection CURSORS = "event_cursors",
    scope = Scope::Platform,
    keys = Self::keys,
)]
#[derive(Debug)]
pub struct Cursor {
    /// Id.
    pub id: CursorId,
    /// Version, which fences off a worker that was paused.
    pub version: u64,
    /// Name of the consumer.
    #[field(impersonal)]
    pub name: String,
    /// Sequence number of the last event that was dealt with; 0 before the first.
    pub position: u64,
    /// Time of the last move.
    pub moved_at: Timestamp,
}

impl Cursor {
    /// Name of the cursor that marks the end of the log.
    pub const LOG: &'static str = "log";

    /// Name of the cursor up to which events have deliveries to endpoints.
    pub const WEBHOOKS: &'static str = "webhooks";

    /// Returns a cursor before the first event.
    #[must_use]
    pub fn start(name: &str, now: Timestamp) -> Self {
        Self { id: CursorId::generate(), version: 0, name: name.to_owned(), position: 0, moved_at: now }
    }

    /// Returns the unique key of a cursor.
    #[must_use]
    pub fn key(name: &str) -> String {
        format!("name:{name}")
    }

    fn keys(&self) -> Vec<String> {
        vec![Self::key(&self.name)]
    }
}

/// An event that a consumer could not deal with yet. It waits for a retry, and holds up no later event.
#[entity(
    /// The collection of deferred events.
    collection DEFERRED_EVENTS = "deferred_events",
    scope = Scope::Platform,
    /// Deferred events of a consumer by the time of their next attempt.
    index DEFERRED_BY_DUE = by_due(consumer, due_at),
)]
#[derive(Debug)]
pub struct DeferredEvent {
    /// Id.
    pub id: DeferredEventId,
    /// Version.
    pub version: u64,
    /// Name of the consumer.
    #[field(impersonal)]
    pub consumer: String,
    /// Id of the event.
    pub event_id: EventId,
    /// Position of the event in the log.
    pub sequence: u64,
    /// Name of the action.
    #[field(impersonal)]
    pub action: String,
    /// Tenant that it concerns.
    pub tenant_id: Option<TenantId>,
    /// Person that it concerns.
    pub user_id: Option<UserId>,
    /// The resource that was changed; absent from events of earlier releases.
    #[field(impersonal)]
    pub resource: Option<AuditResource>,
    /// Names of the fields that changed.
    #[field(impersonal)]
    #[serde(default)]
    pub changed_fields: Vec<String>,
    /// Time of the change.
    pub created_at: Timestamp,
    /// Number of failed attempts.
    pub attempts: u32,
    /// Time of the next attempt.
    pub due_at: Timestamp,
    /// Code and message of the last failure.
    #[field(impersonal)]
    pub last_error: String,
}

impl DeferredEvent {
    /// Defers an event of a consumer after its first failure.
    #[must_use]
    pub fn new(consumer: &str, event: &Event, due_at: Timestamp, last_error: String) -> Self {
        let Event { id, version: _, sequence, action, tenant_id, user_id, resource, changed_fields, created_at } =
            event.clone();
        Self {
            id: DeferredEventId::generate(),
            version: 1,
            consumer: consumer.to_owned(),
            event_id: id,
            sequence,
            action,
            tenant_id,
            user_id,
            resource,
            changed_fields,
            created_at,
            attempts: 1,
            due_at,
            last_error,
        }
    }

    /// Returns the event as it stood in the log.
    #[must_use]
    pub fn event(&self) -> Event {
        Event {
            id: self.event_id,
            version: 1,
            sequence: self.sequence,
            action: self.action.clone(),
            tenant_id: self.tenant_id,
            user_id: self.user_id,
            resource: self.resource.clone(),
            changed_fields: self.changed_fields.clone(),
            created_at: self.created_at,
        }
    }
}
