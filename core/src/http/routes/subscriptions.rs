//! Routes of subscriptions.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::HeaderMap;
use utoipa::IntoParams;

use crate::{
    domain::{CreateSubscription, SubscriptionStatus, UpdateSubscription, fields},
    error::Result,
    http::{
        HttpState,
        body::JsonBody,
        extract::{Caller, PathParameters},
        parameters::Parameters,
        respond,
    },
    service::subscriptions::SubscriptionFilter,
};

/// The filter of lists of subscriptions, as read by [`list`].
#[derive(IntoParams)]
#[into_params(rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct Query {
    /// Only subscriptions of this tenant
    #[param(nullable = false, pattern = "^[0-9a-fA-F]{24}$")]
    tenant_id: Option<String>,
    /// Only subscriptions with this status
    #[param(nullable = false)]
    status: Option<SubscriptionStatus>,
    /// Only subscriptions with this plan
    #[param(nullable = false, min_length = 1, max_length = 200)]
    plan: Option<String>,
}

pub(crate) async fn list(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    mut parameters: Parameters,
) -> Result<Response> {
    let filter = SubscriptionFilter {
        tenant_id: parameters.take("tenantId", fields::object_id),
        status: parameters.open("status"),
        plan: parameters.text("plan"),
    };
    respond::list(&state.service.list_subscriptions(&call, &filter, &parameters.list()?).await?)
}

pub(crate) async fn create(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    body: JsonBody,
) -> Result<Response> {
    let input = CreateSubscription::read(body.value(&mut call)?)?;
    let answer = state.service.create_subscription(&call, input).await?;
    respond::created(&answer, &format!("/subscriptions/{}", answer.value.id))
}

pub(crate) async fn read(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    headers: HeaderMap,
) -> Result<Response> {
    respond::document(&headers, &state.service.read_subscription(&call, path.id(0)?).await?)
}

pub(crate) async fn update(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    body: JsonBody,
) -> Result<Response> {
    let id = path.id(0)?;
    let input = UpdateSubscription::read(body.value(&mut call)?)?;
    respond::changed(&state.service.update_subscription(&call, id, input).await?)
}

pub(crate) async fn delete(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    state.service.delete_subscription(&call, path.id(0)?).await?;
    Ok(respond::nothing())
}
