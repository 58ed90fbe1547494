//! Routes of users.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::HeaderMap;

use crate::{
    domain::{CreateUser, UpdateUser, UserStatus},
    error::Result,
    http::{
        HttpState,
        body::JsonBody,
        extract::{Caller, PathParameters},
        openapi::schemas::{CreateUserBody, UpdateUserBody, UserPage},
        parameters::Parameters,
        problem::Problem,
        respond,
    },
    service::{users::UserFilter, views::UserView},
};

#[utoipa::path(
    get,
    path = "/users",
    tag = "users",
    operation_id = "listUsers",
    summary = "List users; for the platform",
    params(("status" = Option<UserStatus>, Query, description = "In this state"), ("search" = Option<String>, Query, description = "Of whose name or e-mail address some words begin with those of this, whatever the case", min_length = 1, max_length = 200), ("email" = Option<String>, Query, description = "Whose e-mail address begins with this, whatever the script of its domain; the list is then by address", min_length = 1, max_length = 200), ("limit" = Option<u32>, Query, description = "The most items; 50 without it", minimum = 1, maximum = 200), ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before")),
    responses(
        (status = 200, body = UserPage, description = "A page"),
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
    let filter = UserFilter {
        status: parameters.open("status"),
        search: parameters.text("search"),
        email: parameters.text("email"),
    };
    respond::list(&state.service.list_users(&call, &filter, &parameters.list()?).await?)
}

#[utoipa::path(
    post,
    path = "/users",
    tag = "users",
    operation_id = "createUser",
    summary = "Create a user before the first sign-in, or admit an erased person again; for the platform",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated request have one effect; kept for 24 hours", min_length = 1, max_length = 255)),
    request_body(content = CreateUserBody, content_type = "application/json"),
    responses(
        (status = 201, body = UserView, description = "Created", headers(("ETag" = String, description = "Tag of this view"), ("Location" = String, description = "Where it is"))),
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
    let input = CreateUser::read(body.value(&mut call)?)?;
    let answer = state.service.create_user(&call, input).await?;
    respond::created(&answer, &format!("/users/{}", answer.value.id))
}

#[utoipa::path(
    get,
    path = "/users/{id}",
    tag = "users",
    operation_id = "readUser",
    summary = "Read a user: oneself, or anybody for the platform",
    params(("id" = String, Path, description = "Id", pattern = "^[0-9a-fA-F]{24}$"), ("If-None-Match" = Option<String>, Header, description = "Tag of the version that the caller has; 304 when it is still that")),
    responses(
        (status = 200, body = UserView, description = "The document", headers(("ETag" = String, description = "Tag of this view, for `If-Match`"))),
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
    respond::document(&headers, &state.service.read_user(&call, path.id(0)?).await?)
}

#[utoipa::path(
    patch,
    path = "/users/{id}",
    tag = "users",
    operation_id = "updateUser",
    summary = "Change a user; for the platform",
    params(("id" = String, Path, description = "Id", pattern = "^[0-9a-fA-F]{24}$"), ("If-Match" = Option<String>, Header, description = "Tag of the version to change; 412 when it is another")),
    request_body(content = UpdateUserBody, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, body = UserView, description = "The document", headers(("ETag" = String, description = "Tag of this view, for `If-Match`"))),
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
    let input = UpdateUser::read(body.value(&mut call)?)?;
    respond::changed(&state.service.update_user(&call, id, input).await?)
}

#[utoipa::path(
    delete,
    path = "/users/{id}",
    tag = "users",
    operation_id = "deleteUser",
    summary = "Erase a person; a tombstone stays; for the platform",
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
    state.service.delete_user(&call, path.id(0)?).await?;
    Ok(respond::nothing())
}
