//! Answers of the web server, whatever the interface.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

/// Returns JSON with status 200.
pub(super) fn json(value: &Value) -> Response<Bytes> {
    with(StatusCode::OK, "application/json; charset=utf-8", value)
}

/// Returns a problem (RFC 9457).
pub(super) fn problem(status: StatusCode, title: &str, detail: &str) -> Response<Bytes> {
    let body = json!({ "type": "about:blank", "status": status.as_u16(), "title": title, "detail": detail });
    with(status, "application/problem+json", &body)
}

/// Returns a problem of a JMAP request (RFC 8620 §3.6.1).
pub(super) fn request_problem(kind: &str, detail: &str) -> Response<Bytes> {
    let body = json!({ "type": format!("urn:ietf:params:jmap:error:{kind}"), "status": 400, "detail": detail });
    with(StatusCode::BAD_REQUEST, "application/problem+json", &body)
}

pub(super) fn not_found() -> Response<Bytes> {
    problem(StatusCode::NOT_FOUND, "Not Found", "The requested resource does not exist on this server.")
}

pub(super) fn forbidden() -> Response<Bytes> {
    problem(StatusCode::FORBIDDEN, "Forbidden", "You do not have enough permissions to access this resource.")
}

pub(super) fn unauthorized() -> Response<Bytes> {
    let mut response = problem(StatusCode::UNAUTHORIZED, "Unauthorized", "You have to authenticate first.");
    for challenge in ["Bearer realm=\"Stalwart Server\"", "Basic realm=\"Stalwart Server\""] {
        response.headers_mut().append(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}

pub(super) fn redirect(location: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(location));
    response
}

fn with(status: StatusCode, media_type: &'static str, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
