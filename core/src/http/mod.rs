//! The HTTP API: routes, extractors, problem details and the OpenAPI document. Handlers only convert types.

#[macro_use]
mod table;

mod body;
mod extract;
mod host;
pub mod identity;
mod launcher;
pub mod live;
mod openapi;
mod operation;
pub mod operations;
mod parameters;
pub mod problem;
mod refused;
mod request;
mod respond;
mod routes;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::OriginalUri,
    middleware,
    response::{IntoResponse as _, Response},
};
use http::Request;
use tower::ServiceExt as _;

pub use host::OverTheWire;
pub use identity::Identity;
#[cfg(feature = "authn")]
pub use identity::{TokenIdentity, has_api_key};
pub use launcher::LauncherSource;
pub use operation::{Access, Operation};
pub use operations::Section;
pub use refused::{ClientAddress, Refused, tell_of_connection, tell_of_dropped};
pub use request::{CLIENT_REQUEST_ID, REQUEST_ID, RequestIdentity};
pub use routes::document::DOCUMENT;

use crate::{
    error::{Code, Error},
    service::Service,
};

/// The state that the routes share.
#[derive(Debug)]
#[non_exhaustive]
pub struct HttpState {
    /// The use cases.
    pub service: Arc<Service>,
    /// Identifies callers.
    pub identity: Arc<dyn Identity>,
    /// Finds launchers.
    pub launcher: Arc<dyn LauncherSource>,
    /// Maximum duration of a request. Default: 30 s.
    pub timeout: Duration,
    /// Ability to hold answers open. Default: none, so that a stream of events has one.
    pub live: Option<Arc<dyn crate::service::live::Live>>,
}

impl HttpState {
    /// Creates the state with the default timeout.
    #[must_use]
    pub fn new(service: Arc<Service>, identity: Arc<dyn Identity>) -> Self {
        let launcher = Arc::clone(&service) as Arc<dyn LauncherSource>;
        let timeout = crate::context::RequestContext::DEFAULT_TIMEOUT;
        Self { service, identity, launcher, timeout, live: None }
    }
}

/// Maximum size of a body in bytes.
pub const MAXIMUM_BODY: usize = 1024 * 1024;

/// Builds the API.
///
/// Every answer has `X-Request-Id` with the server's id of the request, `Cache-Control` and `X-Content-Type-Options`,
/// and every refusal is a problem document.
pub fn router(state: HttpState) -> Router {
    let timeout = state.timeout;
    identified(unidentified(state), timeout)
}

/// Builds the API without the layers of [`identified`], for an edge that adds its own layers in between.
pub fn unidentified(state: HttpState) -> Router {
    completed(Section::all_routes(), Arc::new(state))
}

/// The routes of one section of the API.
///
/// It answers a request whose path is in the section as [`router`] does, but is built in a fraction of the time. For
/// edges that start anew with each request.
#[derive(Debug, Clone)]
pub struct SectionRouter {
    routes: Router,
    timeout: Duration,
}

impl SectionRouter {
    /// Builds the routes of a section.
    #[must_use]
    pub fn new(section: Section, state: Arc<HttpState>) -> Self {
        let timeout = state.timeout;
        Self { routes: completed(section.routes(), state), timeout }
    }

    /// Answers a request.
    pub async fn answer(self, request: Request<Body>) -> Response {
        request::identify_with(self.timeout, request, |request| async {
            match self.routes.oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        })
        .await
    }
}

/// Adds the answers for paths and methods without a route.
fn completed(routes: Router<Arc<HttpState>>, state: Arc<HttpState>) -> Router {
    routes
        .fallback(|uri: OriginalUri| async move { absent(&uri, no_such_route()).await })
        .method_not_allowed_fallback(|uri: OriginalUri| async move {
            let message = "this route does not have this method: see `Allow`";
            absent(&uri, Error::new(Code::METHOD_NOT_ALLOWED, message)).await
        })
        .with_state(state)
}

/// Answers for a path or method without a route, in the terms of its section.
async fn absent(OriginalUri(uri): &OriginalUri, error: Error) -> Response {
    let response = error.into_response();
    #[cfg(feature = "authn")]
    if Section::of(uri.path()) == Section::Scim {
        return routes::scim::absent(uri.path(), response).await;
    }
    #[cfg(not(feature = "authn"))]
    let _ = uri;
    response
}

/// Returns the error of a path without a route.
#[must_use]
pub fn no_such_route() -> Error {
    Error::new(Code::ROUTE_NOT_FOUND, "there is no such route: see `/openapi.json`")
}

/// Adds the request layers to routes that an edge answers beside the API.
///
/// Requests get an id, a deadline and a log line, answers their common headers, and refusals a log line.
pub fn identified(routes: Router, timeout: Duration) -> Router {
    routes.layer(middleware::from_fn_with_state(timeout, request::identify))
}
