//! Routes of the systems behind a tenant.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use http::{HeaderMap, HeaderValue, header};

use crate::{
    error::Result,
    http::{
        HttpState,
        extract::{Caller, PathParameters, RepeatedCaller},
        live::{self, Look},
        respond,
    },
    service::{
        Principal,
        access::TenantReference,
        workspaces::{SHOWN, WorkspaceView},
    },
};

/// Seconds after which a workspace that is being set up is worth another look.
const LOOK_AGAIN: HeaderValue = HeaderValue::from_static("2");

pub(crate) async fn read(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    principal: Option<Extension<Principal>>,
    path: PathParameters,
    headers: HeaderMap,
) -> Result<Response> {
    let reference = TenantReference::from(path.text(0));
    // Followed before the first look, so that no change falls in between.
    let asked = live::is_asked_for(&headers);
    let ticks = state.live.as_ref().filter(|_| asked).map(|live| live.follow(&SHOWN, live::PACE));
    let view = state.service.read_workspace(&call, &reference).await?;
    if !asked {
        return Ok(hinted(respond::document(&headers, &view)?, &view));
    }
    let first = respond::encode(&view)?;
    let caller = RepeatedCaller::new(call, principal, headers.clone());
    let look: Look = Box::new(move || {
        let (state, caller, reference) = (Arc::clone(&state), caller.clone(), reference.clone());
        Box::pin(async move {
            let call = caller.again(&state).await?;
            respond::encode(&state.service.read_workspace(&call, &reference).await?)
        })
    });
    // Where answers cannot be held open, a client that connects again is the only look there is.
    let again = if view.ready && ticks.is_none() { live::LATER } else { live::SOON };
    Ok(live::answer(ticks, &headers, "workspace", first, again, look))
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

pub(crate) async fn confirm(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    let answer = state.service.confirm_workspace(&call, &TenantReference::from(path.text(0)), path.text(1)).await?;
    Ok(hinted(respond::acted(&answer)?, &answer.value))
}

/// Tells software that waits for the workspace when to look again.
fn hinted(mut response: Response, view: &WorkspaceView) -> Response {
    if !view.ready {
        response.headers_mut().insert(header::RETRY_AFTER, LOOK_AGAIN);
    }
    response
}
