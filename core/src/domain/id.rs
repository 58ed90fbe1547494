//! Identifiers: a newtype for each entity.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use crate::object_id::{ObjectId, ParseIdError};
use crate::store::{FieldType, Stored};

macro_rules! identifiers {
    ($($(#[$documentation:meta])* $name:ident;)+) => {$(
        $(#[$documentation])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub ObjectId);

        impl $name {
            /// Generates an identifier.
            #[must_use]
            pub fn generate() -> Self {
                Self(ObjectId::generate())
            }
        }

        impl Stored for $name {
            const TYPE: FieldType = FieldType::Id;
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<$name> for ObjectId {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl From<ObjectId> for $name {
            fn from(id: ObjectId) -> Self {
                Self(id)
            }
        }
    )+};
}

identifiers! {
    /// Identifies a tenant.
    TenantId;
    /// Identifies a user.
    UserId;
    /// Identifies a membership.
    MembershipId;
    /// Identifies a subscription.
    SubscriptionId;
    /// Identifies an audit event, and its details.
    AuditEventId;
    /// Identifies a chain of audit events: the id of its tenant.
    AuditChainId;
    /// Identifies an event that waits in the outbox.
    OutboxEventId;
    /// Identifies an event of the log; it is the id that it had in the outbox.
    EventId;
    /// Identifies a position in the event log.
    CursorId;
    /// Identifies an event that waits for a retry.
    DeferredEventId;
    /// Identifies the record of a background task.
    TaskRecordId;
    /// Identifies a stored answer to a request with an `Idempotency-Key`.
    IdempotencyRecordId;
    /// Identifies a stored JSON Web Key Set.
    KeySetId;
    /// Identifies the state of a system behind a tenant, or of a part of it.
    SystemStateId;
    /// Identifies the DNS records of a mail domain.
    DomainRecordsId;
    /// Identifies a mailbox.
    MailboxId;
    /// Identifies an issuer of a tenant.
    IssuerId;
    /// Identifies an app password of a mailbox.
    AppPasswordId;
    /// Identifies an API key.
    ApiKeyId;
    /// Identifies the seats of a tenant.
    SeatLedgerId;
    /// Identifies a tenant's claim of a domain.
    TenantDomainId;
    /// Identifies an invitation to a tenant.
    InvitationId;
    /// Identifies an event of the payment provider.
    ProviderEventId;
    /// Identifies a notice to the owners of a tenant.
    NoticeId;
    /// Identifies an endpoint for events.
    EventEndpointId;
    /// Identifies a delivery of an event to an endpoint.
    EventDeliveryId;
    /// Identifies a group that an identity provider has pushed.
    ProvisionedGroupId;
    /// Identifies a member of such a group.
    ProvisionedMemberId;
    /// Identifies a record of an ended session.
    EndedSessionId;
}
