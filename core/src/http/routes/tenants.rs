//! Routes of tenants.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::HeaderMap;
use utoipa::IntoParams;

use crate::{
    domain::{CreateTenant, TenantStatus, UpdateTenant},
    error::Result,
    http::{
        HttpState,
        body::JsonBody,
        extract::{Caller, PathParameters},
        parameters::Parameters,
        respond,
    },
    service::{access::TenantReference, tenants::TenantFilter},
};

/// The filter of lists of tenants, as read by [`filter`].
#[derive(IntoParams)]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct Query {
    /// Only tenants with this status; without it, all except deleted ones
    #[param(nullable = false)]
    status: Option<TenantStatus>,
    /// Only tenants with this plan
    #[param(nullable = false, min_length = 1, max_length = 200)]
    plan: Option<String>,
    /// Only tenants with words in their name that begin with these words, ignoring case
    #[param(nullable = false, min_length = 1, max_length = 200)]
    search: Option<String>,
}

/// Reads the filter of lists of tenants.
pub(super) fn filter(parameters: &mut Parameters) -> TenantFilter {
    TenantFilter { status: parameters.open("status"), plan: parameters.text("plan"), search: parameters.text("search") }
}

pub(crate) async fn list(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    mut parameters: Parameters,
) -> Result<Response> {
    let filter = filter(&mut parameters);
    respond::list(&state.service.list_tenants(&call, &filter, &parameters.list()?).await?)
}

pub(crate) async fn create(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    body: JsonBody,
) -> Result<Response> {
    let input = CreateTenant::read(body.value(&mut call)?)?;
    let answer = state.service.create_tenant(&call, input).await?;
    respond::created(&answer, &format!("/tenants/{}", answer.value.id))
}

pub(crate) async fn read(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    headers: HeaderMap,
) -> Result<Response> {
    let reference = TenantReference::from(path.text(0));
    respond::document(&headers, &state.service.read_tenant(&call, &reference).await?)
}

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

pub(crate) async fn delete(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    state.service.delete_tenant(&call, &TenantReference::from(path.text(0))).await?;
    Ok(respond::nothing())
}

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

pub(crate) async fn export(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    parameters: Parameters,
) -> Result<Response> {
    let reference = TenantReference::from(path.text(0));
    respond::list(&state.service.export_tenant(&call, &reference, &parameters.list()?).await?)
}
