//! Routes of the app passwords of a mailbox.

use std::sync::Arc;

use axum::{extract::State, response::Response};

use crate::{
    domain::CreateAppPassword,
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
    respond::list(&state.service.list_app_passwords(&call, &reference, path.id(1)?, &parameters.list()?).await?)
}

pub(crate) async fn create(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    body: JsonBody,
) -> Result<Response> {
    let mailbox = path.id(1)?;
    let input = CreateAppPassword::read(body.value(&mut call)?)?;
    let reference = TenantReference::from(path.text(0));
    let created = state.service.create_app_password(&call, &reference, mailbox, input).await?.value;
    let location =
        format!("/tenants/{}/mailboxes/{}/app-passwords/{}", created.tenant_id, created.mailbox_id, created.id);
    respond::once(&created, &location)
}

pub(crate) async fn delete(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    let reference = TenantReference::from(path.text(0));
    state.service.delete_app_password(&call, &reference, path.id(1)?, path.id(2)?).await?;
    Ok(respond::nothing())
}
