//! Routes of a tenant's members.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::HeaderMap;
use utoipa::IntoParams;

use crate::{
    domain::{GrantMembership, MembershipRole, UpdateMembership, fields},
    error::Result,
    http::{
        HttpState,
        body::JsonBody,
        extract::{Caller, PathParameters},
        parameters::Parameters,
        respond,
    },
    service::{access::TenantReference, members::MemberFilter},
};

/// The filter of lists of members, as read by [`list`].
#[derive(IntoParams)]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct Query {
    /// Only members with this role
    #[param(nullable = false)]
    role: Option<MembershipRole>,
    /// Only members whose name, or e-mail address if visible to the caller, has words that begin with these, ignoring case
    #[param(nullable = false, min_length = 1, max_length = 200)]
    search: Option<String>,
}

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

pub(crate) async fn read(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    headers: HeaderMap,
) -> Result<Response> {
    let reference = TenantReference::from(path.text(0));
    respond::document(&headers, &state.service.read_member(&call, &reference, path.id(1)?).await?)
}

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

pub(crate) async fn revoke(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    let reference = TenantReference::from(path.text(0));
    state.service.revoke_membership(&call, &reference, path.id(1)?).await?;
    Ok(respond::nothing())
}
