//! Routes of the audit trail.

use std::sync::Arc;

use axum::{extract::State, response::Response};

use crate::{
    domain::fields,
    error::Result,
    http::{
        HttpState, extract::Caller, openapi::schemas::AuditPage, parameters::Parameters, problem::Problem, respond,
    },
    service::{access::TenantReference, audit::AuditFilter},
};

#[utoipa::path(
    get,
    path = "/audit",
    tag = "audit",
    operation_id = "listAuditEvents",
    summary = "List audit events, the newest first: a tenant's for its owners and admins, all for the platform",
    params(("tenant" = Option<String>, Query, description = "Id or slug of a tenant; without it the trail of the platform", min_length = 1, max_length = 200), ("userId" = Option<String>, Query, description = "About this person", pattern = "^[0-9a-fA-F]{24}$"), ("action" = Option<String>, Query, description = "Of this action, such as `tenant.update`", pattern = "^[A-Za-z0-9._-]{1,64}$"), ("from" = Option<String>, Query, description = "From this time on, RFC 3339", format = DateTime), ("until" = Option<String>, Query, description = "Before this time, RFC 3339", format = DateTime), ("limit" = Option<u32>, Query, description = "The most items; 50 without it", minimum = 1, maximum = 200), ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before")),
    responses(
        (status = 200, body = AuditPage, description = "A page"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; `code` says why"),
        (status = "5XX", body = Problem, content_type = "application/problem+json", description = "Not possible now"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn list(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    mut parameters: Parameters,
) -> Result<Response> {
    let filter = AuditFilter {
        tenant: parameters.text("tenant").map(|text| TenantReference::from(text.as_str())),
        user_id: parameters.take("userId", fields::object_id),
        action: parameters.take("action", fields::identifier),
        from: parameters.take("from", fields::time),
        until: parameters.take("until", fields::time),
    };
    respond::list(&state.service.list_audit(&call, &filter, &parameters.list()?).await?)
}
