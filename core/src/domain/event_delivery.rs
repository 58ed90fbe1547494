//! Deliveries of events to endpoints: one document for each event and endpoint.

use std::time::Duration;

use dezky_derive::{Choice, entity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AuditResource, Event, EventDeliveryId, EventEndpoint, EventEndpointId, EventId, TenantId, UserId};
use crate::{clock::Timestamp, store::Scope};

/// Status of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Choice)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// In line behind earlier events of its endpoint.
    Waiting,
    /// Failed, and tried again out of line.
    Retrying,
    /// Taken by the endpoint.
    Delivered,
    /// Not taken, and not tried any more.
    #[choice(unknown)]
    Failed,
}

/// A stored delivery. It has ids and names of fields, and no values.
#[entity(
    /// The collection of deliveries.
    collection EVENT_DELIVERIES = "event_deliveries",
    scope = Scope::Tenant("tenantId"),
    keys = Self::keys,
    seen = ADMINS,
    /// Deliveries to a tenant's endpoints, for the removal of its data.
    index DELIVERIES_OF_TENANT = of_tenant(tenant_id),
    /// Deliveries of an endpoint by the time of their events.
    index DELIVERIES_OF_ENDPOINT = of_endpoint(endpoint_id, occurred_at),
    /// Deliveries of an endpoint with one status by the time of their events.
    index DELIVERIES_BY_STATUS = by_status(endpoint_id, status, occurred_at),
    /// Deliveries of one status in the order of each endpoint.
    index DELIVERIES_IN_ORDER = in_order(status, endpoint_id, sequence),
    /// Deliveries of one status by the time of their next attempt.
    index DELIVERIES_BY_DUE = by_due(status, due_at),
    /// Deliveries of an endpoint with one status by the time of their next attempt.
    index DELIVERIES_DUE_OF_ENDPOINT = due_of_endpoint(endpoint_id, status, due_at),
    /// Deliveries by the time at which they are removed.
    index DELIVERIES_BY_EXPIRY = by_expiry(expires_at),
    /// A delivery of an event to an endpoint.
    view EventDeliveryView,
)]
#[derive(Debug)]
pub struct EventDelivery {
    /// Its id.
    pub id: EventDeliveryId,
    /// Its version.
    pub version: u64,
    /// The tenant whose endpoint it goes to; absent for an endpoint of the platform.
    #[field(see)]
    pub tenant_id: Option<TenantId>,
    /// The endpoint.
    #[field(see)]
    pub endpoint_id: EventEndpointId,
    /// Id of the event, which its webhook has as `webhook-id`.
    #[field(see)]
    pub event_id: EventId,
    /// Type of the event, such as `tenant.update`.
    #[field(see, impersonal, shown_as = event_type)]
    pub action: String,
    /// Position of the event in the log.
    #[field(read = ADMINS, silent)]
    pub sequence: u64,
    /// The tenant that the event concerns.
    #[field(see)]
    pub event_tenant_id: Option<TenantId>,
    /// The person whom the event concerns.
    #[field(see)]
    pub user_id: Option<UserId>,
    /// The resource that was changed.
    #[field(see, impersonal)]
    pub resource: Option<AuditResource>,
    /// Names of the fields that changed.
    #[field(see, impersonal)]
    #[serde(default)]
    pub changed_fields: Vec<String>,
    /// Time of the event.
    #[field(see)]
    pub occurred_at: Timestamp,
    /// Its status.
    #[field(see)]
    pub status: DeliveryStatus,
    /// Number of attempts since it was last asked for.
    #[field(see, silent)]
    pub attempts: u32,
    /// Time of its next attempt, if it has one; of its end, if it has failed.
    #[field(see, silent)]
    pub due_at: Timestamp,
    /// Time after which it is not tried any more.
    #[field(see, silent)]
    pub gives_up_at: Timestamp,
    /// HTTP status of the last answer.
    #[field(see, silent)]
    pub response_status: Option<u16>,
    /// Reason for which the last attempt failed.
    #[field(see, silent, impersonal)]
    pub failure: Option<String>,
    /// Time at which the endpoint has taken it.
    #[field(see, silent)]
    pub delivered_at: Option<Timestamp>,
    /// Time at which it is removed, taken or not.
    #[field(see, silent)]
    pub expires_at: Timestamp,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last write.
    pub updated_at: Timestamp,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Waits before the second attempt and each further one, in seconds: three days in all.
pub const WAITS: [u64; 9] =
    [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// Time after which a delivery that waited in line all the while is not tried any more.
const LONGEST: Duration = Duration::from_secs(84 * HOUR);

/// Time for which a delivery is kept, so that it can be replayed.
const RETENTION: Duration = Duration::from_secs(14 * 24 * HOUR);

/// Number of failed attempts after which a delivery holds up those behind it no more.
const MOST_IN_LINE: u32 = 3;

/// Outcome of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// The endpoint has taken it, with this status.
    Taken(u16),
    /// The endpoint was not reached, or cannot take anything now.
    Unavailable {
        /// Its status, if it answered.
        status: Option<u16>,
        /// Reason.
        why: String,
        /// Wait that it asks for.
        retry_after: Option<Duration>,
    },
    /// The endpoint has refused this webhook.
    Refused {
        /// Its status.
        status: u16,
        /// Reason.
        why: String,
    },
}

impl EventDelivery {
    /// Creates the delivery of an event to an endpoint.
    #[must_use]
    pub fn of(event: &Event, endpoint: &EventEndpoint, now: Timestamp) -> Self {
        let Event { id: event_id, sequence, action, tenant_id, user_id, resource, changed_fields, created_at, .. } =
            event.clone();
        Self {
            id: EventDeliveryId::generate(),
            version: 1,
            tenant_id: endpoint.tenant_id,
            endpoint_id: endpoint.id,
            event_id,
            action,
            sequence,
            event_tenant_id: tenant_id,
            user_id,
            resource,
            changed_fields,
            occurred_at: created_at,
            status: DeliveryStatus::Waiting,
            attempts: 0,
            due_at: now,
            gives_up_at: now.plus(LONGEST),
            response_status: None,
            failure: None,
            delivered_at: None,
            expires_at: now.plus(RETENTION),
            created_at: now,
            updated_at: now,
        }
    }

    /// Returns the unique key of the delivery of an event to an endpoint.
    #[must_use]
    pub fn key(endpoint: EventEndpointId, event: EventId) -> String {
        format!("delivery:{endpoint}:{event}")
    }

    fn keys(&self) -> Vec<String> {
        vec![Self::key(self.endpoint_id, self.event_id)]
    }

    /// Notes an attempt. `fraction`, from 0 to 1, spreads the next one over a tenth of the wait.
    pub fn note(&mut self, attempt: Attempt, fraction: f64, now: Timestamp) {
        self.attempts = self.attempts.saturating_add(1);
        let (status, why, retry_after, holds) = match attempt {
            Attempt::Taken(status) => {
                self.status = DeliveryStatus::Delivered;
                (self.response_status, self.failure, self.delivered_at) = (Some(status), None, Some(now));
                return;
            }
            Attempt::Unavailable { status, why, retry_after } => (status, why, retry_after, true),
            Attempt::Refused { status, why } => (Some(status), why, None, false),
        };
        (self.response_status, self.failure) = (status, Some(why));
        let made = usize::try_from(self.attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        let Some(wait) = WAITS.get(made).copied().map(Duration::from_secs).filter(|_| now < self.gives_up_at) else {
            self.due_at = now;
            self.status = DeliveryStatus::Failed;
            return;
        };
        let wait = wait.max(retry_after.unwrap_or_default());
        self.due_at = now.plus(wait.saturating_add(wait.mul_f64(fraction.clamp(0.0, 1.0) / 10.0)));
        let in_line = self.status == DeliveryStatus::Waiting && holds && self.attempts < MOST_IN_LINE;
        self.status = if in_line { DeliveryStatus::Waiting } else { DeliveryStatus::Retrying };
    }

    /// Ends it without an attempt.
    pub fn give_up(&mut self, why: &str, now: Timestamp) {
        self.due_at = now;
        self.status = DeliveryStatus::Failed;
        self.failure = Some(why.to_owned());
    }

    /// Has it delivered again, in the line of its endpoint.
    pub fn replay(&mut self, now: Timestamp) {
        self.status = DeliveryStatus::Waiting;
        self.attempts = 0;
        self.due_at = now;
        self.gives_up_at = now.plus(LONGEST);
        self.delivered_at = None;
        self.expires_at = self.expires_at.max(now.plus(LONGEST));
    }

    /// Returns `true` if it has failed and holds up those behind it.
    #[must_use]
    pub fn holds_up(&self) -> bool {
        self.status == DeliveryStatus::Waiting && self.attempts > 0
    }
}
