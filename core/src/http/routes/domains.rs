//! Routes of the domains of a tenant.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::HeaderMap;

use crate::{
    domain::AddDomain,
    error::Result,
    http::{
        HttpState,
        body::JsonBody,
        extract::{Caller, PathParameters},
        parameters::Parameters,
        respond,
    },
    service::access::TenantReference,
};

pub(crate) async fn list(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    parameters: Parameters,
) -> Result<Response> {
    let reference = TenantReference::from(path.text(0));
    respond::list(&state.service.list_domains(&call, &reference, &parameters.list()?).await?)
}

pub(crate) async fn add(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    body: JsonBody,
) -> Result<Response> {
    let input = AddDomain::read(body.value(&mut call)?)?;
    let answer = state.service.add_domain(&call, &TenantReference::from(path.text(0)), input).await?;
    let location = format!("/tenants/{}/domains/{}", answer.value.tenant_id, answer.value.name);
    respond::created(&answer, &location)
}

pub(crate) async fn read(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    headers: HeaderMap,
) -> Result<Response> {
    let reference = TenantReference::from(path.text(0));
    respond::document(&headers, &state.service.read_domain(&call, &reference, path.text(1)).await?)
}

pub(crate) async fn remove(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    state.service.remove_domain(&call, &TenantReference::from(path.text(0)), path.text(1)).await?;
    Ok(respond::nothing())
}

pub(crate) async fn check(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    respond::acted(&state.service.check_domain(&call, &TenantReference::from(path.text(0)), path.text(1)).await?)
}
