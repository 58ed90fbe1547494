//! Routes of subscriptions.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::HeaderMap;

use crate::{
    domain::{CreateSubscription, SubscriptionStatus, UpdateSubscription, fields},
    error::Result,
    http::{
        HttpState,
        body::JsonBody,
        extract::{Caller, PathParameters},
        openapi::schemas::{CreateSubscriptionBody, SubscriptionPage, UpdateSubscriptionBody},
        parameters::Parameters,
        problem::Problem,
        respond,
    },
    service::{subscriptions::SubscriptionFilter, views::SubscriptionView},
};

#[utoipa::path(
    get,
    path = "/subscriptions",
    tag = "subscriptions",
    operation_id = "listSubscriptions",
    summary = "List subscriptions: all for the platform, those of their tenants for everybody else",
    params(("tenantId" = Option<String>, Query, description = "Of this tenant", pattern = "^[0-9a-fA-F]{24}$"), ("status" = Option<SubscriptionStatus>, Query, description = "In this state"), ("plan" = Option<String>, Query, description = "With this plan", min_length = 1, max_length = 200), ("limit" = Option<u32>, Query, description = "The most items; 50 without it", minimum = 1, maximum = 200), ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before")),
    responses(
        (status = 200, body = SubscriptionPage, description = "A page"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; `code` says why"),
        (status = "5XX", body = Problem, content_type = "application/problem+json", description = "Not possible now"),
    ),
    security(("bearer" = [])),
)]
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

#[utoipa::path(
    post,
    path = "/subscriptions",
    tag = "subscriptions",
    operation_id = "createSubscription",
    summary = "Create a subscription; for the platform",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated request have one effect; kept for 24 hours", min_length = 1, max_length = 255)),
    request_body(content = CreateSubscriptionBody, content_type = "application/json"),
    responses(
        (status = 201, body = SubscriptionView, description = "Created", headers(("ETag" = String, description = "Tag of this view"), ("Location" = String, description = "Where it is"))),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; `code` says why"),
        (status = "5XX", body = Problem, content_type = "application/problem+json", description = "Not possible now"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn create(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    body: JsonBody,
) -> Result<Response> {
    let input = CreateSubscription::read(body.value(&mut call)?)?;
    let answer = state.service.create_subscription(&call, input).await?;
    respond::created(&answer, &format!("/subscriptions/{}", answer.value.id))
}

#[utoipa::path(
    get,
    path = "/subscriptions/{id}",
    tag = "subscriptions",
    operation_id = "readSubscription",
    summary = "Read a subscription",
    params(("id" = String, Path, description = "Id", pattern = "^[0-9a-fA-F]{24}$"), ("If-None-Match" = Option<String>, Header, description = "Tag of the version that the caller has; 304 when it is still that")),
    responses(
        (status = 200, body = SubscriptionView, description = "The document", headers(("ETag" = String, description = "Tag of this view, for `If-Match`"))),
        (status = 304, description = "The caller has this version"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; `code` says why"),
        (status = "5XX", body = Problem, content_type = "application/problem+json", description = "Not possible now"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn read(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    headers: HeaderMap,
) -> Result<Response> {
    respond::document(&headers, &state.service.read_subscription(&call, path.id(0)?).await?)
}

#[utoipa::path(
    patch,
    path = "/subscriptions/{id}",
    tag = "subscriptions",
    operation_id = "updateSubscription",
    summary = "Change a subscription; for the platform",
    params(("id" = String, Path, description = "Id", pattern = "^[0-9a-fA-F]{24}$"), ("If-Match" = Option<String>, Header, description = "Tag of the version to change; 412 when it is another")),
    request_body(content = UpdateSubscriptionBody, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, body = SubscriptionView, description = "The document", headers(("ETag" = String, description = "Tag of this view, for `If-Match`"))),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; `code` says why"),
        (status = "5XX", body = Problem, content_type = "application/problem+json", description = "Not possible now"),
    ),
    security(("bearer" = [])),
)]
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

#[utoipa::path(
    delete,
    path = "/subscriptions/{id}",
    tag = "subscriptions",
    operation_id = "deleteSubscription",
    summary = "Remove a subscription; for the platform",
    params(("id" = String, Path, description = "Id", pattern = "^[0-9a-fA-F]{24}$"), ("If-Match" = Option<String>, Header, description = "Tag of the version to change; 412 when it is another")),
    responses(
        (status = 204, description = "Done"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; `code` says why"),
        (status = "5XX", body = Problem, content_type = "application/problem+json", description = "Not possible now"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn delete(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    state.service.delete_subscription(&call, path.id(0)?).await?;
    Ok(respond::nothing())
}
