//! Routes of invitations: a tenant's, and those of the people who are invited.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{HeaderMap, HeaderValue, header};

use crate::{
    domain::CreateInvitation,
    error::Result,
    http::{
        HttpState,
        body::JsonBody,
        extract::{Caller, Context, PathParameters},
        parameters::Parameters,
        respond,
    },
    service::{
        access::TenantReference,
        invitations::{read_lines, read_secret},
    },
};

pub(crate) async fn list(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    parameters: Parameters,
) -> Result<Response> {
    let reference = TenantReference::from(path.text(0));
    respond::list(&state.service.list_invitations(&call, &reference, &parameters.list()?).await?)
}

pub(crate) async fn create(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    body: JsonBody,
) -> Result<Response> {
    let input = CreateInvitation::read(body.value(&mut call)?)?;
    let answer = state.service.create_invitation(&call, &TenantReference::from(path.text(0)), input).await?;
    let location = format!("/tenants/{}/invitations/{}", answer.value.tenant_id, answer.value.id);
    respond::created(&answer, &location)
}

pub(crate) async fn create_many(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    body: JsonBody,
) -> Result<Response> {
    let lines = read_lines(body.value(&mut call)?)?;
    respond::acted(&state.service.create_invitations(&call, &TenantReference::from(path.text(0)), lines).await?)
}

pub(crate) async fn read(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    headers: HeaderMap,
) -> Result<Response> {
    let reference = TenantReference::from(path.text(0));
    respond::document(&headers, &state.service.read_invitation(&call, &reference, path.id(1)?).await?)
}

pub(crate) async fn resend(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    let reference = TenantReference::from(path.text(0));
    respond::acted(&state.service.resend_invitation(&call, &reference, path.id(1)?).await?)
}

pub(crate) async fn revoke(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    state.service.revoke_invitation(&call, &TenantReference::from(path.text(0)), path.id(1)?).await?;
    Ok(respond::nothing())
}

pub(crate) async fn accept(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    body: JsonBody,
) -> Result<Response> {
    let secret = read_secret(body.value(&mut call)?)?;
    respond::list(&state.service.accept_invitation(&call, &secret).await?)
}

pub(crate) async fn preview(
    State(state): State<Arc<HttpState>>,
    Context(context): Context,
    body: JsonBody,
) -> Result<Response> {
    let secret = read_secret(body.of_nobody()?)?;
    let mut response = respond::list(&state.service.preview_invitation(&context, &secret).await?)?;
    // The answer belongs to the holder of the secret.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
