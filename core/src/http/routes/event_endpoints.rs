//! Routes of the endpoints to which events are delivered.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::HeaderMap;
use utoipa::IntoParams;

use crate::{
    domain::{CreateEventEndpoint, UpdateEventEndpoint, fields},
    error::Result,
    http::{
        HttpState,
        body::JsonBody,
        extract::{Caller, PathParameters},
        parameters::Parameters,
        respond,
    },
    service::event_endpoints::{DeliveryFilter, Replay},
};

/// The filter of lists of endpoints, as read by [`list`].
#[derive(IntoParams)]
#[into_params(rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct Query {
    /// Id or slug of a tenant; without it, the platform's own endpoints
    #[param(nullable = false, min_length = 1, max_length = 200)]
    tenant: Option<String>,
}

/// The filter of deliveries, as read by [`deliveries`].
#[derive(IntoParams)]
#[into_params(rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct DeliveryQuery {
    /// Only deliveries with this status
    #[param(nullable = false)]
    status: Option<crate::domain::DeliveryStatus>,
}

pub(crate) async fn list(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    mut parameters: Parameters,
) -> Result<Response> {
    let tenant = parameters.tenant();
    respond::list(&state.service.list_event_endpoints(&call, tenant.as_ref(), &parameters.list()?).await?)
}

pub(crate) async fn create(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    body: JsonBody,
) -> Result<Response> {
    let input = CreateEventEndpoint::read(body.value(&mut call)?)?;
    let created = state.service.create_event_endpoint(&call, input).await?.value;
    respond::once(&created, &format!("/event-endpoints/{}", created.id))
}

pub(crate) async fn read(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    headers: HeaderMap,
) -> Result<Response> {
    let endpoint = state.service.read_event_endpoint(&call, path.id(0)?).await?;
    respond::document_as(&headers, &endpoint, &endpoint.tagged())
}

pub(crate) async fn update(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    body: JsonBody,
) -> Result<Response> {
    let id = path.id(0)?;
    let input = UpdateEventEndpoint::read(body.value(&mut call)?)?;
    let endpoint = state.service.update_event_endpoint(&call, id, input).await?;
    respond::changed_as(&endpoint, &endpoint.tagged())
}

pub(crate) async fn delete(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    state.service.delete_event_endpoint(&call, path.id(0)?).await?;
    Ok(respond::nothing())
}

pub(crate) async fn rotate(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    respond::secret(&state.service.rotate_event_endpoint(&call, path.id(0)?).await?.value)
}

pub(crate) async fn deliveries(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    mut parameters: Parameters,
) -> Result<Response> {
    let filter = DeliveryFilter { status: parameters.take("status", fields::choice) };
    let request = parameters.list()?;
    respond::list(&state.service.list_event_deliveries(&call, path.id(0)?, &filter, &request).await?)
}

pub(crate) async fn replay(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    body: JsonBody,
) -> Result<Response> {
    let id = path.id(0)?;
    let replay = Replay::read(body.value(&mut call)?)?;
    respond::acted(&state.service.replay_events(&call, id, replay).await?)
}
