//! A component that does what its requests tell it to, for tests of what the host lets pass.
//!
//! The path names a behaviour: `/spin`, `/trap`, `/memory`, `/sleep`, `/surroundings`; or `/script`, which carries out the
//! calls of the header `x-script`, a JSON list, and answers with a list of their outcomes.
#![cfg(target_family = "wasm")]

mod behaviour;
mod platform;
mod script;

use bytes::Bytes;
use http_body_util::Full;
use spin_sdk::{
    http::{IntoResponse, Request},
    http_service,
};

/// Does what the request says.
#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let text = match request.uri().path() {
        "/spin" => behaviour::spin(),
        "/trap" => behaviour::trap(),
        "/memory" => behaviour::memory(),
        "/sleep" => behaviour::sleep(),
        "/surroundings" => behaviour::surroundings(request.headers()).await,
        "/script" => script::run(request.headers()).await,
        _ => String::from("{}"),
    };
    http::Response::new(Full::new(Bytes::from(text)))
}
