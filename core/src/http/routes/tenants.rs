//! Routes of tenants.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::HeaderMap;

use crate::{
    domain::{CreateTenant, TenantStatus, UpdateTenant},
    error::Result,
    http::{
        HttpState,
        body::JsonBody,
        extract::{Caller, PathParameters},
        openapi::schemas::{CreateTenantBody, TenantPage, UpdateTenantBody},
        parameters::Parameters,
        problem::Problem,
        respond,
    },
    service::{access::TenantReference, tenants::TenantFilter, views::TenantView},
};

/// Reads the filter that lists of tenants have.
pub(super) fn filter(parameters: &mut Parameters) -> TenantFilter {
    TenantFilter { status: parameters.open("status"), plan: parameters.text("plan"), search: parameters.text("search") }
}

#[utoipa::path(
    get,
    path = "/tenants",
    tag = "tenants",
    operation_id = "listTenants",
    summary = "List tenants by name: all for the platform, their own for everybody else",
    params(("status" = Option<TenantStatus>, Query, description = "In this state; without it all but the deleted ones"), ("plan" = Option<String>, Query, description = "With this plan", min_length = 1, max_length = 200), ("search" = Option<String>, Query, description = "Of whose name some words begin with those of this, whatever the case", min_length = 1, max_length = 200), ("limit" = Option<u32>, Query, description = "The most items; 50 without it", minimum = 1, maximum = 200), ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before")),
    responses(
        (status = 200, body = TenantPage, description = "A page"),
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
    let filter = filter(&mut parameters);
    respond::list(&state.service.list_tenants(&call, &filter, &parameters.list()?).await?)
}

#[utoipa::path(
    post,
    path = "/tenants",
    tag = "tenants",
    operation_id = "createTenant",
    summary = "Create a tenant; for the platform",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated request have one effect; kept for 24 hours", min_length = 1, max_length = 255)),
    request_body(content = CreateTenantBody, content_type = "application/json"),
    responses(
        (status = 201, body = TenantView, description = "Created", headers(("ETag" = String, description = "Tag of this view"), ("Location" = String, description = "Where it is"))),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; `code` says why"),
        (status = "5XX", body = Problem, content_type = "application/problem+json", description = "Not possible now"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn create(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    body: JsonBody,
) -> Result<Response> {
    let input = CreateTenant::read(body.value(&mut call)?)?;
    let answer = state.service.create_tenant(&call, input).await?;
    respond::created(&answer, &format!("/tenants/{}", answer.value.id))
}

#[utoipa::path(
    get,
    path = "/tenants/{tenant}",
    tag = "tenants",
    operation_id = "readTenant",
    summary = "Read a tenant",
    params(("tenant" = String, Path, description = "Id or slug of the tenant"), ("If-None-Match" = Option<String>, Header, description = "Tag of the version that the caller has; 304 when it is still that")),
    responses(
        (status = 200, body = TenantView, description = "The document", headers(("ETag" = String, description = "Tag of this view, for `If-Match`"))),
        (status = 304, description = "The caller has this version"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; `code` says why"),
        (status = "5XX", body = Problem, content_type = "application/problem+json", description = "Not possible now"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn read(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    headers: HeaderMap,
) -> Result<Response> {
    let reference = TenantReference::from(path.text(0));
    respond::document(&headers, &state.service.read_tenant(&call, &reference).await?)
}

#[utoipa::path(
    patch,
    path = "/tenants/{tenant}",
    tag = "tenants",
    operation_id = "updateTenant",
    summary = "Change a tenant",
    params(("tenant" = String, Path, description = "Id or slug of the tenant"), ("If-Match" = Option<String>, Header, description = "Tag of the version to change; 412 when it is another")),
    request_body(content = UpdateTenantBody, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, body = TenantView, description = "The document", headers(("ETag" = String, description = "Tag of this view, for `If-Match`"))),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; `code` says why"),
        (status = "5XX", body = Problem, content_type = "application/problem+json", description = "Not possible now"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn update(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    body: JsonBody,
) -> Result<Response> {
    let input = UpdateTenant::read(body.value(&mut call)?)?;
    let reference = TenantReference::from(path.text(0));
    respond::changed(&state.service.update_tenant(&call, &reference, input).await?)
}

#[utoipa::path(
    delete,
    path = "/tenants/{tenant}",
    tag = "tenants",
    operation_id = "deleteTenant",
    summary = "Delete a tenant; its slug stays reserved",
    params(("tenant" = String, Path, description = "Id or slug of the tenant"), ("If-Match" = Option<String>, Header, description = "Tag of the version to change; 412 when it is another")),
    responses(
        (status = 204, description = "Done"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; `code` says why"),
        (status = "5XX", body = Problem, content_type = "application/problem+json", description = "Not possible now"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn delete(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    state.service.delete_tenant(&call, &TenantReference::from(path.text(0))).await?;
    Ok(respond::nothing())
}

#[utoipa::path(
    post,
    path = "/tenants/{tenant}/suspend",
    tag = "tenants",
    operation_id = "suspendTenant",
    summary = "Make a tenant read-only to its own people; for the platform",
    params(("tenant" = String, Path, description = "Id or slug of the tenant"), ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated request have one effect; kept for 24 hours", min_length = 1, max_length = 255), ("If-Match" = Option<String>, Header, description = "Tag of the version to change; 412 when it is another")),
    responses(
        (status = 200, body = TenantView, description = "The document", headers(("ETag" = String, description = "Tag of this view, for `If-Match`"))),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; `code` says why"),
        (status = "5XX", body = Problem, content_type = "application/problem+json", description = "Not possible now"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn suspend(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    body: JsonBody,
) -> Result<Response> {
    body.nothing(&mut call)?;
    let reference = TenantReference::from(path.text(0));
    respond::acted(&state.service.suspend_tenant(&call, &reference).await?)
}

#[utoipa::path(
    post,
    path = "/tenants/{tenant}/restore",
    tag = "tenants",
    operation_id = "restoreTenant",
    summary = "End the suspension of a tenant; for the platform",
    params(("tenant" = String, Path, description = "Id or slug of the tenant"), ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated request have one effect; kept for 24 hours", min_length = 1, max_length = 255), ("If-Match" = Option<String>, Header, description = "Tag of the version to change; 412 when it is another")),
    responses(
        (status = 200, body = TenantView, description = "The document", headers(("ETag" = String, description = "Tag of this view, for `If-Match`"))),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; `code` says why"),
        (status = "5XX", body = Problem, content_type = "application/problem+json", description = "Not possible now"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn restore(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    body: JsonBody,
) -> Result<Response> {
    body.nothing(&mut call)?;
    let reference = TenantReference::from(path.text(0));
    respond::acted(&state.service.restore_tenant(&call, &reference).await?)
}
