//! The HTTP component: the router of `dezky` over what its host gives it. There is nothing here but conversions.
//!
//! On other targets than WebAssembly it is empty, so that the workspace builds everywhere.
#![cfg(target_family = "wasm")]

mod identity;
mod launcher;
mod platform;
mod problem;
mod router;
mod store;
mod telemetry;

use axum::body::Body;
use http_body_util::BodyExt as _;
use spin_sdk::{
    http::{IntoResponse, Request},
    http_service,
};
use tower::ServiceExt as _;

/// Answers a request.
#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let (parts, body) = request.into_parts();
    // The host bounds bodies before they come here, and has them complete.
    let request = match body.collect().await {
        Ok(collected) => http::Request::from_parts(parts, Body::from(collected.to_bytes())),
        Err(_) => http::Request::from_parts(parts, Body::empty()),
    };
    match router::router().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
