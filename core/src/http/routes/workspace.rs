//! Routes of the systems behind a tenant.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{HeaderMap, HeaderValue, header};

use crate::{
    error::Result,
    http::{
        HttpState,
        extract::{Caller, PathParameters},
        respond,
    },
    service::{access::TenantReference, workspaces::WorkspaceView},
};

/// Seconds after which a workspace that is being set up is worth another look.
const LOOK_AGAIN: HeaderValue = HeaderValue::from_static("2");

pub(crate) async fn read(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    headers: HeaderMap,
) -> Result<Response> {
    let view = state.service.read_workspace(&call, &TenantReference::from(path.text(0))).await?;
    Ok(hinted(respond::document(&headers, &view)?, &view))
}

pub(crate) async fn retry(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    let answer = state.service.retry_workspace(&call, &TenantReference::from(path.text(0))).await?;
    Ok(hinted(respond::acted(&answer)?, &answer.value))
}

pub(crate) async fn check(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    let answer = state.service.check_workspace(&call, &TenantReference::from(path.text(0))).await?;
    Ok(hinted(respond::acted(&answer)?, &answer.value))
}

/// Tells software that waits for the workspace when to look again.
fn hinted(mut response: Response, view: &WorkspaceView) -> Response {
    if !view.ready {
        response.headers_mut().insert(header::RETRY_AFTER, LOOK_AGAIN);
    }
    response
}
