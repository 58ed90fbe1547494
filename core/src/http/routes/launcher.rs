//! The public launcher.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{HeaderMap, HeaderValue, Uri, header};

use crate::{
    error::{Error, Result},
    http::{HttpState, extract::Context, parameters::Parameters, problem::Problem, respond},
    service::views::LauncherView,
};

#[utoipa::path(
    get,
    path = "/launcher",
    tag = "launcher",
    operation_id = "readLauncher",
    summary = "How a tenant's launcher looks, by its host name or slug; public",
    params(("slug" = Option<String>, Query, description = "Slug of the tenant; without it the `Host` header says which", min_length = 1, max_length = 200), ("If-None-Match" = Option<String>, Header, description = "Tag of the version that the caller has; 304 when it is still that")),
    responses(
        (status = 200, body = LauncherView, description = "The document", headers(("ETag" = String, description = "Tag of this view, for `If-Match`"))),
        (status = 304, description = "The caller has this version"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; `code` says why"),
        (status = "5XX", body = Problem, content_type = "application/problem+json", description = "Not possible now"),
    ),
    security(()),
)]
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
    // Public, and the same for everybody who asks this host.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Host"));
    Ok(response)
}
