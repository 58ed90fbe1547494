//! Audit events as callers see them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    clock::Timestamp,
    domain::{AuditActor, AuditEvent, AuditEventId, AuditResource, TenantId},
};

/// An event of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEventView {
    /// Its id.
    #[schema(value_type = String, pattern = "^[0-9a-f]{24}$")]
    pub id: AuditEventId,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who did it.
    pub actor: AuditActor,
    /// What was done, such as `tenant.update`.
    pub action: String,
    /// What it was done to.
    pub resource: AuditResource,
    /// The tenant that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub tenant_id: Option<TenantId>,
    /// The request that did it, by the server's own id, as `X-Request-Id` of its answer told.
    pub request_id: String,
    /// What the client called it in `X-Request-Id`. Whoever sends it chooses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request_id: Option<String>,
    /// Names of the fields that changed.
    pub changed_fields: Vec<String>,
}

impl From<AuditEvent> for AuditEventView {
    fn from(event: AuditEvent) -> Self {
        Self {
            id: event.id,
            at: event.at,
            actor: event.actor,
            action: event.action,
            resource: event.resource,
            tenant_id: event.tenant_id,
            request_id: event.request_id,
            client_request_id: event.client_request_id,
            changed_fields: event.changed_fields,
        }
    }
}
