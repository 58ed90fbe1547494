//! The HTTP component: the router of `dezky` over its host's interfaces. It only converts types.
//!
//! On targets other than WebAssembly it is empty, so that the workspace builds everywhere.
#![cfg(target_family = "wasm")]

mod effect;
mod identity;
mod launcher;
mod platform;
mod problem;
mod requests;
mod router;
mod store;
mod telemetry;

use axum::{body::Body, response::Response};
use http_body_util::BodyExt as _;
use spin_sdk::{
    http::{IntoResponse, Request},
    http_service,
};

/// Answers a request from any WASI HTTP host.
#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let (parts, incoming) = request.into_parts();
    // The host has limited the body, received it completely, and states its length.
    let body = if parts.headers.contains_key(http::header::CONTENT_LENGTH) {
        match incoming.collect().await {
            Ok(collected) => Body::from(collected.to_bytes()),
            Err(error) => {
                let error = dezky::Error::internal("the host did not pass the whole body on").with_source(error);
                return axum::response::IntoResponse::into_response(error);
            }
        }
    } else {
        Body::empty()
    };
    answer(http::Request::from_parts(parts, body)).await
}

async fn answer(mut request: http::Request<Body>) -> Response {
    // This header has the host's id of the request, not a client's.
    let id = request.headers().get(dezky::http::REQUEST_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
    if let Some(id) = id {
        request.extensions_mut().insert(dezky::http::RequestIdentity(id));
    }
    router::router(request.uri().path()).answer(request).await
}
