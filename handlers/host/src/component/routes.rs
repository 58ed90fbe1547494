//! The routes of the API with a component behind them. A few are answered by the host.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::any,
};
use dezky::{
    Error,
    context::RequestContext,
    http::{HttpState, Section},
};
use tower::ServiceExt as _;

use super::Component;

/// The routes that the host answers itself beside [sections](Section::is_of_host) of them.
///
/// It verifies logout tokens and signatures of the payment provider, a component reads nothing without a caller and no log of
/// events, and the document would be a sixth of it.
const NATIVE: [&str; 5] =
    ["/oidc/backchannel-logout", "/invitations/preview", "/billing/stripe/webhook", "/events", "/openapi.json"];

/// Builds the API. Its path patterns are only needed for metrics here; the component routes all requests.
pub(crate) fn routes(component: Arc<Component>, own: HttpState) -> Router {
    let mut router = Router::new();
    let own = dezky::http::unidentified(own);
    let state = Routes { component, own: own.clone() };
    for path in dezky::http::operations::paths() {
        router = if NATIVE.contains(&path) || Section::of(path).is_of_host() {
            router.route_service(path, own.clone())
        } else {
            router.route(path, any(answer))
        };
    }
    router.fallback(answer).with_state(state)
}

/// The component, and the host's own router for what is not a component's.
#[derive(Clone)]
struct Routes {
    component: Arc<Component>,
    own: Router,
}

/// Answers with the component; requests with an API key with the host's own router, since the second lock knows people only.
async fn answer(State(Routes { component, own }): State<Routes>, request: Request) -> Response {
    if dezky::http::has_api_key(request.headers()) {
        return match own.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
    }
    match request.extensions().get::<RequestContext>().cloned() {
        Some(context) => component.answer(context, request).await,
        None => Error::internal("a request has no context").into_response(),
    }
}
