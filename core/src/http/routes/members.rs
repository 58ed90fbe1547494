//! Routes of a tenant's members.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::HeaderMap;

use crate::{
    domain::{GrantMembership, MembershipRole, UpdateMembership, fields},
    error::Result,
    http::{
        HttpState,
        body::JsonBody,
        extract::{Caller, PathParameters},
        openapi::schemas::{GrantMembershipBody, MembershipPage, UpdateMembershipBody},
        parameters::Parameters,
        problem::Problem,
        respond,
    },
    service::{access::TenantReference, members::MemberFilter, views::MembershipView},
};

#[utoipa::path(
    get,
    path = "/tenants/{tenant}/members",
    tag = "members",
    operation_id = "listMembers",
    summary = "List a tenant's members by name",
    params(("tenant" = String, Path, description = "Id or slug of the tenant"), ("role" = Option<MembershipRole>, Query, description = "In this role"), ("search" = Option<String>, Query, description = "Of whose name some words begin with those of this, whatever the case; of whose address too, for those who see it", min_length = 1, max_length = 200), ("limit" = Option<u32>, Query, description = "The most items; 50 without it", minimum = 1, maximum = 200), ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before")),
    responses(
        (status = 200, body = MembershipPage, description = "A page"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; `code` says why"),
        (status = "5XX", body = Problem, content_type = "application/problem+json", description = "Not possible now"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn list(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    mut parameters: Parameters,
) -> Result<Response> {
    let filter = MemberFilter { role: parameters.take("role", fields::choice), search: parameters.text("search") };
    let reference = TenantReference::from(path.text(0));
    respond::list(&state.service.list_members(&call, &reference, &filter, &parameters.list()?).await?)
}

#[utoipa::path(
    post,
    path = "/tenants/{tenant}/members",
    tag = "members",
    operation_id = "grantMember",
    summary = "Grant a membership, anew after revocation too",
    params(("tenant" = String, Path, description = "Id or slug of the tenant"), ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated request have one effect; kept for 24 hours", min_length = 1, max_length = 255)),
    request_body(content = GrantMembershipBody, content_type = "application/json"),
    responses(
        (status = 201, body = MembershipView, description = "Created", headers(("ETag" = String, description = "Tag of this view"), ("Location" = String, description = "Where it is"))),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; `code` says why"),
        (status = "5XX", body = Problem, content_type = "application/problem+json", description = "Not possible now"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn grant(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    body: JsonBody,
) -> Result<Response> {
    let input = GrantMembership::read(body.value(&mut call)?)?;
    let reference = TenantReference::from(path.text(0));
    let answer = state.service.grant_membership(&call, &reference, input).await?;
    let location = format!("/tenants/{}/members/{}", answer.value.tenant_id, answer.value.user_id);
    respond::created(&answer, &location)
}

#[utoipa::path(
    get,
    path = "/tenants/{tenant}/members/{user}",
    tag = "members",
    operation_id = "readMember",
    summary = "Read a member",
    params(("tenant" = String, Path, description = "Id or slug of the tenant"), ("user" = String, Path, description = "Id of the user", pattern = "^[0-9a-fA-F]{24}$"), ("If-None-Match" = Option<String>, Header, description = "Tag of the version that the caller has; 304 when it is still that")),
    responses(
        (status = 200, body = MembershipView, description = "The document", headers(("ETag" = String, description = "Tag of this view, for `If-Match`"))),
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
    respond::document(&headers, &state.service.read_member(&call, &reference, path.id(1)?).await?)
}

#[utoipa::path(
    patch,
    path = "/tenants/{tenant}/members/{user}",
    tag = "members",
    operation_id = "updateMember",
    summary = "Change a member's role",
    params(("tenant" = String, Path, description = "Id or slug of the tenant"), ("user" = String, Path, description = "Id of the user", pattern = "^[0-9a-fA-F]{24}$"), ("If-Match" = Option<String>, Header, description = "Tag of the version to change; 412 when it is another")),
    request_body(content = UpdateMembershipBody, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, body = MembershipView, description = "The document", headers(("ETag" = String, description = "Tag of this view, for `If-Match`"))),
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
    let reference = TenantReference::from(path.text(0));
    let user = path.id(1)?;
    let input = UpdateMembership::read(body.value(&mut call)?)?;
    respond::changed(&state.service.update_membership(&call, &reference, user, input).await?)
}

#[utoipa::path(
    delete,
    path = "/tenants/{tenant}/members/{user}",
    tag = "members",
    operation_id = "revokeMember",
    summary = "Revoke a membership, at once",
    params(("tenant" = String, Path, description = "Id or slug of the tenant"), ("user" = String, Path, description = "Id of the user", pattern = "^[0-9a-fA-F]{24}$"), ("If-Match" = Option<String>, Header, description = "Tag of the version to change; 412 when it is another")),
    responses(
        (status = 204, description = "Done"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; `code` says why"),
        (status = "5XX", body = Problem, content_type = "application/problem+json", description = "Not possible now"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn revoke(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    let reference = TenantReference::from(path.text(0));
    state.service.revoke_membership(&call, &reference, path.id(1)?).await?;
    Ok(respond::nothing())
}
