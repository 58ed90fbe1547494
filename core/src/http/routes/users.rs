//! Routes of users.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::HeaderMap;
use utoipa::IntoParams;

use crate::{
    domain::{CreateUser, UpdateUser, UserStatus},
    error::Result,
    http::{
        HttpState,
        body::JsonBody,
        extract::{Caller, PathParameters},
        parameters::Parameters,
        respond,
    },
    service::users::UserFilter,
};

/// The filter of lists of users, as read by [`list`].
#[derive(IntoParams)]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct Query {
    /// Only users with this status
    #[param(nullable = false)]
    status: Option<UserStatus>,
    /// Only users with words in their name or e-mail address that begin with these words, ignoring case
    #[param(nullable = false, min_length = 1, max_length = 200)]
    search: Option<String>,
    /// Only users whose e-mail address begins with this, ignoring the script of its domain; ordered by address
    #[param(nullable = false, min_length = 1, max_length = 200)]
    email: Option<String>,
}

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

pub(crate) async fn create(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    body: JsonBody,
) -> Result<Response> {
    let input = CreateUser::read(body.value(&mut call)?)?;
    let answer = state.service.create_user(&call, input).await?;
    respond::created(&answer, &format!("/users/{}", answer.value.id))
}

pub(crate) async fn read(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    headers: HeaderMap,
) -> Result<Response> {
    respond::document(&headers, &state.service.read_user(&call, path.id(0)?).await?)
}

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

pub(crate) async fn delete(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    state.service.delete_user(&call, path.id(0)?).await?;
    Ok(respond::nothing())
}

pub(crate) async fn export(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    parameters: Parameters,
) -> Result<Response> {
    respond::list(&state.service.export_user(&call, path.id(0)?, &parameters.list()?).await?)
}
