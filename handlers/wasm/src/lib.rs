//! The HTTP component: the router of `dezky` over what its host gives it. There is nothing here but conversions.
//!
//! On other targets than WebAssembly it is empty, so that the workspace builds everywhere.
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

/// Answers a request of any host of WASI's HTTP.
#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let (parts, incoming) = request.into_parts();
    // The host bounds bodies before they come here, has them complete, and says how long they are.
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
    // What stands here is the host's id of the request, and no client's.
    let id = request.headers().get(dezky::http::REQUEST_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
    if let Some(id) = id {
        request.extensions_mut().insert(dezky::http::RequestIdentity(id));
    }
    router::router(request.uri().path()).answer(request).await
}
