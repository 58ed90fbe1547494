//! The OpenAPI document as it is served.

use axum::{body::Body, response::Response};
use http::{HeaderValue, header};

/// Where it is.
pub(crate) const PATH: &str = "/openapi.json";

/// The OpenAPI document as it is served: kept beside the code, since writing it takes more code than all the rest of the routes;
/// without the space in `core/openapi.json`. `core/tests/openapi.rs` holds it against the code.
pub const DOCUMENT: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

pub(crate) async fn read() -> Response {
    let mut response = Response::new(Body::from(DOCUMENT));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
