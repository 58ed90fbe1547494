//! Routes of the audit trail.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::HeaderMap;
use utoipa::IntoParams;

use crate::{
    domain::fields,
    error::Result,
    http::{HttpState, extract::Caller, parameters::Parameters, respond},
    service::audit::AuditFilter,
};

/// The filter of the audit trail, as read by [`list`].
#[derive(IntoParams)]
#[into_params(rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct Query {
    /// Id or slug of a tenant; without it, the platform's own audit trail
    #[param(nullable = false, min_length = 1, max_length = 200)]
    tenant: Option<String>,
    /// Only events about this person
    #[param(nullable = false, pattern = "^[0-9a-fA-F]{24}$")]
    user_id: Option<String>,
    /// Only events of this action, such as `tenant.update`
    #[param(nullable = false, pattern = "^[A-Za-z0-9._-]{1,64}$")]
    action: Option<String>,
    /// Only events at or after this time, RFC 3339
    #[param(nullable = false, format = DateTime)]
    from: Option<String>,
    /// Only events before this time, RFC 3339
    #[param(nullable = false, format = DateTime)]
    until: Option<String>,
}

/// The chain whose end is asked for, as read by [`head`].
#[derive(IntoParams)]
#[into_params(rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct HeadQuery {
    /// Id or slug of a tenant; without it, the platform's own chain
    #[param(nullable = false, min_length = 1, max_length = 200)]
    tenant: Option<String>,
}

pub(crate) async fn head(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    headers: HeaderMap,
    mut parameters: Parameters,
) -> Result<Response> {
    let tenant = parameters.tenant();
    parameters.finish()?;
    respond::document(&headers, &state.service.read_audit_head(&call, tenant.as_ref()).await?)
}

pub(crate) async fn list(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    mut parameters: Parameters,
) -> Result<Response> {
    let filter = AuditFilter {
        tenant: parameters.tenant(),
        user_id: parameters.take("userId", fields::object_id),
        action: parameters.take("action", fields::identifier),
        from: parameters.take("from", fields::time),
        until: parameters.take("until", fields::time),
    };
    respond::list(&state.service.list_audit(&call, &filter, &parameters.list()?).await?)
}
