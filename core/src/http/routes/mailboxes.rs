//! Routes of a tenant's mailboxes.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::HeaderMap;
use utoipa::IntoParams;

use crate::{
    domain::{CreateMailbox, UpdateMailbox, fields},
    error::Result,
    http::{
        HttpState,
        body::JsonBody,
        extract::{Caller, PathParameters},
        parameters::Parameters,
        respond,
    },
    service::{access::TenantReference, mailboxes::MailboxFilter},
};

/// The filter of lists of mailboxes, as read by [`list`].
#[derive(IntoParams)]
#[into_params(rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct Query {
    /// Only mailboxes of this member; required of those who may list their own alone
    #[param(nullable = false, pattern = "^[0-9a-fA-F]{24}$")]
    user_id: Option<String>,
}

pub(crate) async fn list(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    mut parameters: Parameters,
) -> Result<Response> {
    let filter = MailboxFilter { user_id: parameters.take("userId", fields::object_id) };
    let reference = TenantReference::from(path.text(0));
    respond::list(&state.service.list_mailboxes(&call, &reference, &filter, &parameters.list()?).await?)
}

pub(crate) async fn create(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    body: JsonBody,
) -> Result<Response> {
    let input = CreateMailbox::read(body.value(&mut call)?)?;
    let answer = state.service.create_mailbox(&call, &TenantReference::from(path.text(0)), input).await?;
    let location = format!("/tenants/{}/mailboxes/{}", answer.value.tenant_id, answer.value.id);
    respond::created(&answer, &location)
}

pub(crate) async fn read(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    headers: HeaderMap,
) -> Result<Response> {
    let reference = TenantReference::from(path.text(0));
    respond::document(&headers, &state.service.read_mailbox(&call, &reference, path.id(1)?).await?)
}

pub(crate) async fn update(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    body: JsonBody,
) -> Result<Response> {
    let reference = TenantReference::from(path.text(0));
    let id = path.id(1)?;
    let input = UpdateMailbox::read(body.value(&mut call)?)?;
    respond::changed(&state.service.update_mailbox(&call, &reference, id, input).await?)
}

pub(crate) async fn delete(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    state.service.delete_mailbox(&call, &TenantReference::from(path.text(0)), path.id(1)?).await?;
    Ok(respond::nothing())
}
