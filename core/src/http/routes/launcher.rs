//! The public launcher.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{HeaderMap, HeaderValue, Uri, header};
use utoipa::IntoParams;

use crate::{
    error::{Error, Result},
    http::{HttpState, extract::Context, parameters::Parameters, respond},
};

/// The requested launcher, as read by [`read`].
#[derive(IntoParams)]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct Query {
    /// Slug of the tenant; without it, the `Host` header determines the tenant
    #[param(nullable = false, min_length = 1, max_length = 200)]
    slug: Option<String>,
}

/// The host name in question, as read by [`certificate`].
#[derive(IntoParams)]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct HostQuery {
    /// The host name that a certificate is wanted for
    #[param(min_length = 1, max_length = 253)]
    domain: String,
}

/// Answers with an empty 200 if a launcher is at the host name, for the ingress.
pub(crate) async fn certificate(
    State(state): State<Arc<HttpState>>,
    Context(context): Context,
    mut parameters: Parameters,
) -> Result<Response> {
    let host = parameters.text("domain");
    parameters.finish()?;
    state.launcher.at_host(&context, &host.ok_or_else(Error::not_found)?).await?;
    Ok(Response::default())
}

pub(crate) async fn read(
    State(state): State<Arc<HttpState>>,
    Context(context): Context,
    mut parameters: Parameters,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response> {
    let slug = parameters.text("slug");
    parameters.finish()?;
    let view = match slug {
        Some(slug) => state.launcher.of_slug(&context, &slug).await?,
        None => {
            // HTTP/2 carries the host in the URI (RFC 9113 §8.3.1).
            let authority = uri.authority().map(http::uri::Authority::as_str);
            let host = authority.or_else(|| headers.get(header::HOST)?.to_str().ok());
            state.launcher.at_host(&context, host.ok_or_else(Error::not_found)?).await?
        }
    };
    let mut response = respond::document(&headers, &view)?;
    // Public, and the same for everybody at this host.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Host"));
    Ok(response)
}
