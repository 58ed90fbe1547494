//! A component that does what its requests tell it to, for tests of what the host lets pass.
//!
//! Whatever the path, the parameter `script` of the query, a JSON list, is a list of calls to carry out; the answer is a list
//! of their outcomes. Without it the path names a behaviour: `/spin`, `/chatter`, `/browse`, `/trap`, `/memory`, `/sleep`,
//! `/surroundings`, `/cookie`; or `/calls`, which asks for one document many times, so that the cost of a call can be measured.
#![cfg(target_family = "wasm")]

mod behaviour;
mod platform;
mod script;

use bytes::Bytes;
use http::HeaderValue;
use http_body_util::{BodyExt as _, Full};
use spin_sdk::{
    http::{IntoResponse, Request},
    http_service,
};

/// Does what the request says.
#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let (parts, body) = request.into_parts();
    let length = body.collect().await.map_or(0, |collected| collected.to_bytes().len());
    let mut response = http::Response::new(Full::new(Bytes::new()));
    let text = if let Some(script) = behaviour::parameter(&parts.uri, "script") {
        script::run(&script, length).await
    } else {
        match parts.uri.path() {
            "/spin" => behaviour::spin(),
            "/chatter" => behaviour::chatter(),
            "/browse" => behaviour::browse().await,
            "/trap" => behaviour::trap(),
            "/memory" => behaviour::memory(),
            "/sleep" => behaviour::sleep(),
            "/surroundings" => behaviour::surroundings(&parts.headers, &parts.uri).await,
            "/calls" => behaviour::calls(&parts.uri).await,
            "/cookie" => {
                response.headers_mut().insert(http::header::SET_COOKIE, HeaderValue::from_static("session=mine"));
                String::from("{}")
            }
            "/users/me" if cfg!(feature = "obliging") => {
                *response.status_mut() = http::StatusCode::UNAUTHORIZED;
                String::from(r#"{"code":"token_missing"}"#)
            }
            _ => String::from("{}"),
        }
    };
    *response.body_mut() = Full::new(Bytes::from(text));
    response
}
