//! Answers as the Django REST framework gives them.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

/// A refusal.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The token is missing, unknown or expired. The framework answers 403, since it has no `WWW-Authenticate` to send.
    Unauthenticated(&'static str),
    Forbidden,
    /// No object, told with its label.
    NotFound(&'static str),
    InvalidPage,
    /// No such path, which Django and not the API answers.
    NoPath,
    MethodNotAllowed(String),
    UnsupportedMediaType(String),
    NoJson,
    /// Reasons by field.
    Invalid(Problems),
    /// A reason without a field.
    Refused(String),
    /// An error of the system's own code.
    Failed,
    /// Too many objects, which only an emulator has.
    Full,
}

pub(super) type Problems = BTreeMap<String, Vec<String>>;

/// Creates a refusal because of one field.
pub(super) fn invalid(field: &str, text: impl Into<String>) -> Refusal {
    Refusal::Invalid(BTreeMap::from([(field.to_owned(), vec![text.into()])]))
}

impl From<Refusal> for Response<Bytes> {
    fn from(refusal: Refusal) -> Self {
        let (status, text) = match refusal {
            Refusal::Unauthenticated(text) => (StatusCode::FORBIDDEN, text.to_owned()),
            Refusal::Forbidden => {
                (StatusCode::FORBIDDEN, "You do not have permission to perform this action.".to_owned())
            }
            Refusal::NotFound(label) => (StatusCode::NOT_FOUND, format!("No {label} matches the given query.")),
            Refusal::InvalidPage => (StatusCode::NOT_FOUND, "Invalid page.".to_owned()),
            Refusal::NoPath => {
                let page = "<!doctype html><html><head><title>Not Found</title></head><body>Not Found</body></html>";
                return typed(StatusCode::NOT_FOUND, "text/html; charset=utf-8", page);
            }
            Refusal::MethodNotAllowed(method) => {
                (StatusCode::METHOD_NOT_ALLOWED, format!("Method \"{method}\" not allowed."))
            }
            Refusal::UnsupportedMediaType(media_type) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("Unsupported media type \"{media_type}\" in request."))
            }
            Refusal::NoJson => (StatusCode::BAD_REQUEST, "JSON parse error - Expecting value".to_owned()),
            Refusal::Invalid(problems) => return json_answer(StatusCode::BAD_REQUEST, &json!(problems)),
            Refusal::Refused(text) => return json_answer(StatusCode::BAD_REQUEST, &json!([text])),
            Refusal::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error".to_owned()),
            Refusal::Full => (StatusCode::SERVICE_UNAVAILABLE, "The emulator is full.".to_owned()),
        };
        json_answer(status, &json!({ "detail": text }))
    }
}

/// Creates an answer in JSON.
pub(super) fn json_answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    typed(status, "application/json", body.to_string())
}

/// Creates the answer to a deletion and the like.
pub(super) fn no_content() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Creates the redirect to a path with a slash at its end.
pub(super) fn redirect(to: &str) -> Response<Bytes> {
    let mut response = typed(StatusCode::MOVED_PERMANENTLY, "text/html; charset=utf-8", "");
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

fn typed(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
