//! Back-channel logout: the identity provider announces that sessions have ended.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, header};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    error::{Code, Error, ErrorKind, FieldError, Result},
    http::{HttpState, body::FormBody, extract::Context, refused::Refused, respond},
};

/// A back-channel logout request (OpenID Connect Back-Channel Logout 1.0 §2.5). Other parameters are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct LogoutForm {
    /// The logout token.
    #[schema(min_length = 1)]
    #[allow(dead_code, reason = "the form is read parameter by parameter; this documents it")]
    logout_token: String,
}

pub(crate) async fn end(
    State(state): State<Arc<HttpState>>,
    Context(context): Context,
    form: FormBody,
) -> Result<Response> {
    let token = form.only("logout_token")?.ok_or_else(|| {
        Error::new(Code::LOGOUT_TOKEN_MISSING, "send the logout token as `logout_token` in a form-encoded body")
    })?;
    let logout = match state.identity.logout(&context, &token).await {
        Ok(logout) => logout,
        Err(error) => return Ok(refused(error)),
    };
    state.service.end_sessions(&context, &logout).await?;
    let mut response = respond::nothing();
    *response.status_mut() = http::StatusCode::OK;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// A refused logout token is a bad request (§2.8), not a missing authentication. The code of the field says why.
fn refused(error: Error) -> Response {
    if error.kind() != ErrorKind::Unauthenticated {
        return error.into_response();
    }
    let message = error.message().to_owned();
    let mut refusal = Error::new(Code::LOGOUT_TOKEN_REFUSED, message.clone()).with_fields(vec![FieldError::new(
        "logout_token",
        error.declared_code(),
        message,
    )]);
    if let Some(wait) = error.retry_after() {
        refusal = refusal.with_retry_after(wait);
    }
    let mut response = refusal.into_response();
    response.extensions_mut().insert(Refused::of_logout(&error));
    response
}
