//! A component that does what its requests tell it to, to test what the host permits.
//!
//! The query parameter `script` is a JSON list of calls to perform, whatever the path is; the answer is the list of
//! their outcomes. Without it, the path names a behaviour: `/spin`, `/chatter`, `/browse`, `/trap`, `/memory`,
//! `/sleep`, `/surroundings`, `/fetch`, `/hoard`, `/cookie`; or `/calls`, which reads one document many times to
//! measure the cost of a call.
#![cfg(target_family = "wasm")]

mod behaviour;
mod hoard;
mod platform;
mod script;

use bytes::Bytes;
use http::HeaderValue;
use http_body_util::{BodyExt as _, Full};
use platform::{messages, requests};
use spin_sdk::{
    http::{IntoResponse, Request},
    http_service,
};

/// The exports other than `wasi:http/handler`.
struct Component;

impl requests::Guest for Component {
    async fn answer(request: requests::Request) -> messages::Response {
        let mut head = http::Request::new(());
        if let Ok(uri) = request.target.parse() {
            *head.uri_mut() = uri;
        }
        for messages::Field { name, value } in request.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), HeaderValue::from_bytes(&value)) {
                head.headers_mut().append(name, value);
            }
        }
        let response = answer(&head, request.body.len()).await;
        let field = |(name, value): (&http::HeaderName, &HeaderValue)| messages::Field {
            name: name.as_str().to_owned(),
            value: value.as_bytes().to_vec(),
        };
        messages::Response {
            status: response.status().as_u16(),
            headers: response.headers().iter().map(field).collect(),
            body: response.into_body().into_bytes(),
        }
    }
}

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let (parts, body) = request.into_parts();
    let length = body.collect().await.map_or(0, |collected| collected.to_bytes().len());
    let response = answer(&http::Request::from_parts(parts, ()), length).await;
    response.map(|text| Full::new(Bytes::from(text)))
}

/// Returns `true` if it is to answer the host's probe like the API, so that it is served: if this domain is configured.
fn obliges() -> bool {
    cfg!(feature = "obliging") || platform::settings::get().public_domain.as_deref() == Some("obliging.example")
}

/// Performs what the request asks for.
async fn answer(request: &http::Request<()>, length: usize) -> http::Response<String> {
    let mut response = http::Response::new(String::new());
    let uri = request.uri();
    *response.body_mut() = if let Some(script) = behaviour::parameter(uri, "script") {
        script::run(&script, length).await
    } else {
        match uri.path() {
            "/spin" => behaviour::spin(),
            "/chatter" => behaviour::chatter(),
            "/browse" => behaviour::browse().await,
            "/trap" => behaviour::trap(),
            "/memory" => behaviour::memory(),
            "/sleep" => behaviour::sleep(),
            "/surroundings" => behaviour::surroundings(request.headers(), uri).await,
            "/fetch" => behaviour::fetch().await,
            "/hoard" => hoard::hoard(uri).await,
            "/calls" => behaviour::calls(uri).await,
            "/cookie" => {
                response.headers_mut().insert(http::header::SET_COOKIE, HeaderValue::from_static("session=mine"));
                String::from("{}")
            }
            "/users/me" if obliges() => {
                *response.status_mut() = http::StatusCode::UNAUTHORIZED;
                String::from(r#"{"code":"token_missing"}"#)
            }
            _ => String::from("{}"),
        }
    };
    response
}
