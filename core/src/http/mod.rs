//! The HTTP API: routes, extractors, problem details and the OpenAPI document. Handlers only convert types.

mod body;
mod extract;
pub mod identity;
pub mod openapi;
mod parameters;
pub mod problem;
mod request;
mod respond;
mod routes;

use std::{sync::Arc, time::Duration};

use axum::{Router, middleware};

pub use identity::Identity;
#[cfg(feature = "authn")]
pub use identity::TokenIdentity;
pub use request::{REQUEST_ID, RequestIdentity};

use crate::{
    error::{Error, ErrorKind},
    service::Service,
};

/// What the routes work with.
#[derive(Debug)]
pub struct HttpState {
    /// The use cases.
    pub service: Arc<Service>,
    /// Tells who is calling.
    pub identity: Arc<dyn Identity>,
    /// How long a request may take. Default: 30 s.
    pub timeout: Duration,
}

impl HttpState {
    /// The state with the default timeout.
    #[must_use]
    pub fn new(service: Arc<Service>, identity: Arc<dyn Identity>) -> Self {
        Self { service, identity, timeout: crate::context::RequestContext::DEFAULT_TIMEOUT }
    }
}

/// The most bytes of a body.
pub const MAXIMUM_BODY: usize = 1024 * 1024;

/// The API. Every answer carries `X-Request-Id`, and every refusal is a problem document.
pub fn router(state: HttpState) -> Router {
    let timeout = state.timeout;
    identified(unidentified(state), timeout)
}

/// The API without what [`identified`] gives, for an edge that puts layers of its own in between.
pub fn unidentified(state: HttpState) -> Router {
    routes::all()
        .fallback(|| async {
            Error::new(ErrorKind::NotFound, "route_not_found", "there is no such route: see `/openapi.json`")
        })
        .method_not_allowed_fallback(|| async {
            Error::new(
                ErrorKind::MethodNotAllowed,
                "method_not_allowed",
                "this route does not have this method: see `Allow`",
            )
        })
        .with_state(Arc::new(state))
}

/// Gives every request of these routes its id, its deadline and a line in the log, and every answer its `X-Request-Id`.
/// For what an edge answers beside the API.
pub fn identified(routes: Router, timeout: Duration) -> Router {
    routes.layer(middleware::from_fn_with_state(timeout, request::identify))
}
