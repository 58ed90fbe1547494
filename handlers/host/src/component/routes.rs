//! The routes of the API with a component behind them; logout is the host's own.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::any,
};
use dezky::{Error, context::RequestContext, http::HttpState};

use super::Component;

/// What the host answers itself, since tokens are verified there.
const LOGOUT: &str = "/oidc/backchannel-logout";

/// The API. The patterns of its paths are known here for the metrics alone: whatever comes is the component's to route.
pub(crate) fn routes(component: Arc<Component>, own: HttpState) -> Router {
    let mut router = Router::new();
    let own = dezky::http::unidentified(own);
    for path in dezky::http::operations::paths() {
        router = if path == LOGOUT { router.route_service(path, own.clone()) } else { router.route(path, any(answer)) };
    }
    router.fallback(answer).with_state(component)
}

async fn answer(State(component): State<Arc<Component>>, request: Request) -> Response {
    match request.extensions().get::<RequestContext>().cloned() {
        Some(context) => component.answer(context, request).await,
        None => Error::internal("a request has no context").into_response(),
    }
}
