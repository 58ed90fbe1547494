//! The served OpenAPI document.

use axum::{body::Body, response::Response};
use http::{HeaderValue, header};

/// Its path.
pub(crate) const PATH: &str = "/openapi.json";

/// The served OpenAPI document, which is `core/openapi.json` without whitespace.
///
/// It is kept beside the code because generating it takes more code than all other routes together.
/// `core/tests/openapi.rs` compares it to the code.
pub const DOCUMENT: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

pub(crate) async fn read() -> Response {
    let mut response = Response::new(Body::from(DOCUMENT));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
