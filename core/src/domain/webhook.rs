//! Events as webhooks: their form, and their signature (Standard Webhooks).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;
use utoipa::ToSchema;

use super::{
    AuditResource, AuditValue, Event, EventDelivery, EventEndpointId, EventId, OneTimeSecret, TenantId, UserId,
};
use crate::{
    clock::Timestamp,
    error::{Error, Result},
};

/// Beginning of a secret in text.
const SECRET: &str = "whsec_";

/// Version of the signature: HMAC-SHA-256.
const VERSION: &str = "v1";

/// An event as receivers get it: what has changed, by ids and names of fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventMessage {
    /// Id of the event, the same at each attempt and replay; also its id in the audit trail.
    #[schema(value_type = String, pattern = "^[0-9a-f]{24}$")]
    pub id: EventId,
    /// Type of the event: the name of its action in the audit trail.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Time of the change.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// The tenant that it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub tenant_id: Option<TenantId>,
    /// The change.
    pub data: EventData,
}

/// A change, by ids and names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EventData {
    /// The resource that was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub resource: Option<AuditResource>,
    /// The person whom it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub user_id: Option<UserId>,
    /// Names of the fields that changed.
    pub changed_fields: Vec<String>,
    /// Personal values before and after the change, as far as they are not erased; only for endpoints with `personalValues`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub values: Option<Vec<AuditValue>>,
}

impl From<Event> for EventMessage {
    fn from(event: Event) -> Self {
        let Event { id, action, tenant_id, user_id, resource, changed_fields, created_at, .. } = event;
        let data = EventData { resource, user_id, changed_fields, values: None };
        Self { id, event_type: action, timestamp: created_at, tenant_id, data }
    }
}

impl From<EventDelivery> for EventMessage {
    fn from(delivery: EventDelivery) -> Self {
        let EventDelivery { event_id, action, event_tenant_id, user_id, resource, changed_fields, occurred_at, .. } =
            delivery;
        let data = EventData { resource, user_id, changed_fields, values: None };
        Self { id: event_id, event_type: action, timestamp: occurred_at, tenant_id: event_tenant_id, data }
    }
}

/// The secret of an endpoint, which signs its webhooks. Never in `Debug`.
pub struct WebhookSecret([u8; 32]);

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("WebhookSecret(…)")
    }
}

impl WebhookSecret {
    /// Derives the secret of an endpoint after this number of rotations from the platform's key.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] when the key is not usable.
    pub fn derive(key: &str, endpoint: EventEndpointId, rotations: u32) -> Result<Self> {
        let mut hash = keyed(key.as_bytes())?;
        hash.update(format!("{endpoint}\n{rotations}").as_bytes());
        Ok(Self(hash.finalize().into_bytes().into()))
    }

    /// Returns it as the text that receivers are configured with.
    #[must_use]
    pub fn shown(&self) -> OneTimeSecret {
        OneTimeSecret(format!("{SECRET}{}", STANDARD.encode(self.0)))
    }

    /// Returns the signature of a body that is sent at this time, in seconds since 1970.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] when the secret is not usable.
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> Result<String> {
        let mut hash = keyed(&self.0)?;
        hash.update(format!("{id}.{seconds}.").as_bytes());
        hash.update(body);
        Ok(format!("{VERSION},{}", STANDARD.encode(hash.finalize().into_bytes())))
    }
}

fn keyed(key: &[u8]) -> Result<Hmac<Sha256>> {
    Hmac::<Sha256>::new_from_slice(key)
        .map_err(|error| Error::internal(format!("a signing key is not usable: {error}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn signatures_are_those_of_the_specification() {
        // The example of https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
        let given = STANDARD.decode("C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        let mut hash = keyed(&given).unwrap();
        hash.update(
            b"msg_27UH4WbU6Z5A5EzD8u03UvzRbpk.1649367553.{\"email\":\"test@example.com\",\"username\":\"test_user\"}",
        );
        let expected = "tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";
        assert_eq!(STANDARD.encode(hash.finalize().into_bytes()), expected);
    }

    #[test]
    fn each_endpoint_and_rotation_has_its_secret() {
        let (one, other) = (EventEndpointId::generate(), EventEndpointId::generate());
        let secret = |endpoint, rotations| WebhookSecret::derive("key", endpoint, rotations).unwrap().shown().0;
        assert_eq!(secret(one, 0), secret(one, 0));
        assert!(secret(one, 0) != secret(one, 1) && secret(one, 0) != secret(other, 0));
        assert!(secret(one, 0).starts_with(SECRET));
    }
}
