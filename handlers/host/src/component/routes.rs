//! The routes of the API with a component behind them. A few are answered by the host.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::any,
};
use dezky::{Error, context::RequestContext, http::HttpState};
use tower::ServiceExt as _;

use super::Component;

/// The routes that the host answers itself: it verifies logout tokens and signatures of the payment provider, and a component
/// reads nothing without a caller.
const NATIVE: [&str; 3] = ["/oidc/backchannel-logout", "/invitations/preview", "/billing/stripe/webhook"];

/// The prefixes of further ones: answers about people whom a component may not read, credentials, and the log of events, which it
/// never reads.
const NATIVE_BELOW: [&str; 5] = ["/access/v1/", "/api-keys", "/event-endpoints", "/events", "/scim/v2/"];

/// Builds the API. Its path patterns are only needed for metrics here; the component routes all requests.
pub(crate) fn routes(component: Arc<Component>, own: HttpState) -> Router {
    let mut router = Router::new();
    let own = dezky::http::unidentified(own);
    let state = Routes { component, own: own.clone() };
    for path in dezky::http::operations::paths() {
        router = if NATIVE.contains(&path) || NATIVE_BELOW.iter().any(|prefix| path.starts_with(prefix)) {
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
