//! Routes of API keys.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::HeaderMap;
use utoipa::IntoParams;

use crate::{
    domain::{CreateApiKey, UpdateApiKey},
    error::Result,
    http::{
        HttpState,
        body::JsonBody,
        extract::{Caller, PathParameters},
        parameters::Parameters,
        respond,
    },
    service::api_keys::{ApiKeyFilter, RotateSecret},
};

/// The filter of lists of API keys, as read by [`list`].
#[derive(IntoParams)]
#[into_params(rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct Query {
    /// Id or slug of a tenant; without it, all keys, for the platform
    #[param(nullable = false, min_length = 1, max_length = 200)]
    tenant: Option<String>,
}

pub(crate) async fn list(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    mut parameters: Parameters,
) -> Result<Response> {
    let tenant = parameters.tenant();
    respond::list(&state.service.list_api_keys(&call, &ApiKeyFilter { tenant }, &parameters.list()?).await?)
}

pub(crate) async fn create(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    body: JsonBody,
) -> Result<Response> {
    let input = CreateApiKey::read(body.value(&mut call)?)?;
    let created = state.service.create_api_key(&call, input).await?.value;
    respond::once(&created, &format!("/api-keys/{}", created.id))
}

pub(crate) async fn read(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    headers: HeaderMap,
) -> Result<Response> {
    let key = state.service.read_api_key(&call, path.id(0)?).await?;
    respond::document_as(&headers, &key, &key.tagged())
}

pub(crate) async fn update(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    body: JsonBody,
) -> Result<Response> {
    let id = path.id(0)?;
    let input = UpdateApiKey::read(body.value(&mut call)?)?;
    let key = state.service.update_api_key(&call, id, input).await?;
    respond::changed_as(&key, &key.tagged())
}

pub(crate) async fn rotate(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    body: JsonBody,
) -> Result<Response> {
    let id = path.id(0)?;
    let input = RotateSecret::read(body.value(&mut call)?)?;
    let rotated = state.service.rotate_api_key(&call, id, input).await?.value;
    respond::once(&rotated, &format!("/api-keys/{}", rotated.id))
}

pub(crate) async fn delete(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    state.service.delete_api_key(&call, path.id(0)?).await?;
    Ok(respond::nothing())
}
