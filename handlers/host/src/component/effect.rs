//! Effects of requests: the component requests one, and the host runs the use case once, natively.
//!
//! All that is written follows from the request, its caller and the store, and nothing from the component's own
//! statements. The component can only prevent a write, by refusing the request.

use std::{fmt, sync::Arc};

use axum::{Router, body::to_bytes, response::Response};
use bytes::Bytes;
use dezky::{Error, Result, http::HttpState, service::Principal};
use http::response::Parts;
use tower::ServiceExt as _;

use super::{
    Backing,
    facts::{HELD, RequestFacts},
};

/// The routes of the API over the real store.
#[derive(Clone)]
pub(crate) struct Effects(Router);

impl fmt::Debug for Effects {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Effects")
    }
}

impl Effects {
    /// Creates the routes with the use cases of a platform.
    pub(crate) fn new(platform: &Backing) -> Self {
        let state = HttpState::new(Arc::clone(&platform.service), Arc::clone(&platform.identity));
        Self(dezky::http::unidentified(state))
    }

    /// Runs the request of these facts, and returns its complete answer.
    ///
    /// # Errors
    /// When the request cannot have an effect, has had one already, or its caller is unknown.
    pub(super) async fn perform(&self, facts: &RequestFacts) -> Result<(Parts, Bytes)> {
        if !facts.asked().may_be_performed() {
            return Err(Error::internal("a request of this method has no effect"));
        }
        let Some(call) = facts.call() else {
            return Err(Error::internal("a request has an effect once its caller is known"));
        };
        let Principal::Token(token) = &call.principal else {
            return Err(Error::internal("the caller of a request has no token"));
        };
        if !facts.begin_effect() {
            return Err(Error::internal("a request has one effect"));
        }
        let mut request = facts.asked().again();
        // The token is verified; with a principal in the extensions it is not verified again.
        request.extensions_mut().insert(Principal::Token(Arc::clone(token)));
        request.extensions_mut().insert(call.context.clone());
        let response: Response = match self.0.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        // From now on the component reads the state after the effect.
        facts.forget_actor().await;
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, HELD).await;
        Ok((parts, body.map_err(|error| Error::internal("an answer cannot be read").with_source(error))?))
    }
}
