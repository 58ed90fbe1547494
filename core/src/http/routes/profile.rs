//! Routes of the caller's own profile.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::HeaderMap;

use super::tenants::filter;
use crate::{
    domain::TenantStatus,
    error::Result,
    http::{
        HttpState, extract::Caller, openapi::schemas::TenantPage, parameters::Parameters, problem::Problem, respond,
    },
    service::views::ProfileView,
};

#[utoipa::path(
    get,
    path = "/users/me",
    tag = "profile",
    operation_id = "readProfile",
    summary = "The caller's profile, tenants and subscriptions; brings memberships in line with the token's groups",
    params(("If-None-Match" = Option<String>, Header, description = "Tag of the version that the caller has; 304 when it is still that")),
    responses(
        (status = 200, body = ProfileView, description = "The document", headers(("ETag" = String, description = "Tag of this view, for `If-Match`"))),
        (status = 304, description = "The caller has this version"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; `code` says why"),
        (status = "5XX", body = Problem, content_type = "application/problem+json", description = "Not possible now"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn read(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response> {
    parameters.finish()?;
    respond::document(&headers, &state.identity.profile(&state.service, &call).await?)
}

#[utoipa::path(
    get,
    path = "/users/me/tenants",
    tag = "profile",
    operation_id = "listOwnTenants",
    summary = "The caller's own tenants by name",
    params(("status" = Option<TenantStatus>, Query, description = "In this state; without it all but the deleted ones"), ("plan" = Option<String>, Query, description = "With this plan", min_length = 1, max_length = 200), ("search" = Option<String>, Query, description = "Of whose name some words begin with those of this, whatever the case", min_length = 1, max_length = 200), ("limit" = Option<u32>, Query, description = "The most items; 50 without it", minimum = 1, maximum = 200), ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before")),
    responses(
        (status = 200, body = TenantPage, description = "A page"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; `code` says why"),
        (status = "5XX", body = Problem, content_type = "application/problem+json", description = "Not possible now"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn tenants(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    mut parameters: Parameters,
) -> Result<Response> {
    let filter = filter(&mut parameters);
    respond::list(&state.service.list_my_tenants(&call, &filter, &parameters.list()?).await?)
}
