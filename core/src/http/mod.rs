//! The HTTP API: routes, extractors, problem details and the OpenAPI document. Handlers only convert types.

mod body;
mod extract;
mod host;
pub mod identity;
mod launcher;
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

use axum::{Router, body::Body, middleware, response::Response};
use http::Request;
use tower::ServiceExt as _;

pub use host::OverTheWire;
pub use identity::Identity;
#[cfg(feature = "authn")]
pub use identity::TokenIdentity;
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

/// What the routes work with.
#[derive(Debug)]
pub struct HttpState {
    /// The use cases.
    pub service: Arc<Service>,
    /// Tells who is calling.
    pub identity: Arc<dyn Identity>,
    /// Tells how launchers look.
    pub launcher: Arc<dyn LauncherSource>,
    /// How long a request may take. Default: 30 s.
    pub timeout: Duration,
}

impl HttpState {
    /// The state with the default timeout.
    #[must_use]
    pub fn new(service: Arc<Service>, identity: Arc<dyn Identity>) -> Self {
        let launcher = Arc::clone(&service) as Arc<dyn LauncherSource>;
        Self { service, identity, launcher, timeout: crate::context::RequestContext::DEFAULT_TIMEOUT }
    }
}

/// The most bytes of a body.
pub const MAXIMUM_BODY: usize = 1024 * 1024;

/// The API. Every answer carries `X-Request-Id`, the id under which the server knows the request, `Cache-Control` and
/// `X-Content-Type-Options`, and every refusal is a problem document.
pub fn router(state: HttpState) -> Router {
    let timeout = state.timeout;
    identified(unidentified(state), timeout)
}

/// The API without what [`identified`] gives, for an edge that puts layers of its own in between.
pub fn unidentified(state: HttpState) -> Router {
    completed(Section::all_routes(), Arc::new(state))
}

/// The API as far as the paths of a section go: it answers a request whose path is in the section as [`router`] does, and is put
/// together in a fraction of the time. For an edge that begins anew with each request.
#[derive(Debug, Clone)]
pub struct SectionRouter {
    routes: Router,
    timeout: Duration,
}

impl SectionRouter {
    /// The routes of a section.
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

/// Routes that tell what is not there.
fn completed(routes: Router<Arc<HttpState>>, state: Arc<HttpState>) -> Router {
    routes
        .fallback(|| async { no_such_route() })
        .method_not_allowed_fallback(|| async {
            Error::new(Code::METHOD_NOT_ALLOWED, "this route does not have this method: see `Allow`")
        })
        .with_state(state)
}

/// The answer where there is no route.
#[must_use]
pub fn no_such_route() -> Error {
    Error::new(Code::ROUTE_NOT_FOUND, "there is no such route: see `/openapi.json`")
}

/// Gives every request of these routes its id, its deadline and a line in the log, every answer the headers that each has,
/// and every refusal a line.
/// For what an edge answers beside the API.
pub fn identified(routes: Router, timeout: Duration) -> Router {
    routes.layer(middleware::from_fn_with_state(timeout, request::identify))
}
