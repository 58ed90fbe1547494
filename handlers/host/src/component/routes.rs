//! The routes of the API with a component behind them. A few are answered by the host.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::any,
};
use dezky::{Error, context::RequestContext, http::HttpState};

use super::Component;

/// The routes that the host answers itself: it verifies logout tokens and signatures of the payment provider, and a component
/// reads nothing without a caller.
const NATIVE: [&str; 3] = ["/oidc/backchannel-logout", "/invitations/preview", "/billing/stripe/webhook"];

/// Builds the API. Its path patterns are only needed for metrics here; the component routes all requests.
pub(crate) fn routes(component: Arc<Component>, own: HttpState) -> Router {
    let mut router = Router::new();
    let own = dezky::http::unidentified(own);
    for path in dezky::http::operations::paths() {
        router = if NATIVE.contains(&path) {
            router.route_service(path, own.clone())
        } else {
            router.route(path, any(answer))
        };
    }
    router.fallback(answer).with_state(component)
}

async fn answer(State(component): State<Arc<Component>>, request: Request) -> Response {
    match request.extensions().get::<RequestContext>().cloned() {
        Some(context) => component.answer(context, request).await,
        None => Error::internal("a request has no context").into_response(),
    }
}
