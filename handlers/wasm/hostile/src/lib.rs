//! A component that does what its requests tell it to, for tests of what the host lets pass.
//!
//! The path names a behaviour: `/spin`, `/trap`, `/memory`, `/sleep`, `/surroundings`; or `/script`, which carries out the
//! calls of the header `x-script`, a JSON list, and answers with a list of their outcomes; or `/calls`, which asks for one
//! document many times, so that the cost of a call can be measured.
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
        "/calls" => behaviour::calls(request.headers()).await,
        "/users/me" if cfg!(feature = "obliging") => {
            let mut refused = http::Response::new(Full::new(Bytes::from_static(br#"{"code":"token_missing"}"#)));
            *refused.status_mut() = http::StatusCode::UNAUTHORIZED;
            return refused;
        }
        _ => String::from("{}"),
    };
    http::Response::new(Full::new(Bytes::from(text)))
}
