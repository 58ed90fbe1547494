//! Routes of what a tenant is entitled to.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::HeaderMap;

use crate::{
    error::Result,
    http::{
        HttpState,
        extract::{Caller, PathParameters},
        respond,
    },
    service::access::TenantReference,
};

pub(crate) async fn read(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    headers: HeaderMap,
) -> Result<Response> {
    let reference = TenantReference::from(path.text(0));
    respond::document(&headers, &state.service.read_entitlements(&call, &reference).await?)
}

pub(crate) async fn plans(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    headers: HeaderMap,
) -> Result<Response> {
    respond::document(&headers, &state.service.list_plans(&call, &TenantReference::from(path.text(0))).await?)
}
