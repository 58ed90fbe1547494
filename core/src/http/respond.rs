//! Answers: JSON with an entity tag.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;

use super::extract::none_match;
use crate::{
    error::{Error, Result},
    service::{idempotency::Replayable, views::entity_tag_of_json},
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Personal data must not be stored by shared caches.
const NOT_SHARED: HeaderValue = HeaderValue::from_static("private, no-cache");

fn json(status: StatusCode, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response.headers_mut().insert(header::CACHE_CONTROL, NOT_SHARED);
    response
}

/// Size in bytes that most views and short lists do not exceed.
const VIEW: usize = 2 * 1024;

pub(super) fn encode(view: &impl Serialize) -> Result<Vec<u8>> {
    // Most views fit, which avoids copies by growing the buffer.
    let mut bytes = Vec::with_capacity(VIEW);
    serde_json::to_writer(&mut bytes, view).map_err(|error| Error::internal(error.to_string()))?;
    Ok(bytes)
}

fn tagged(status: StatusCode, bytes: Vec<u8>) -> Response {
    let tag = entity_tag_of_json(&bytes);
    tagged_as(status, bytes, &tag)
}

fn tagged_as(status: StatusCode, bytes: Vec<u8>, tag: &str) -> Response {
    let mut response = json(status, bytes);
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn conditional(headers: &HeaderMap, bytes: Vec<u8>, tag: &str) -> Response {
    if !headers.contains_key(header::IF_NONE_MATCH) || !none_match(headers, tag) {
        return tagged_as(StatusCode::OK, bytes, tag);
    }
    let mut response = tagged_as(StatusCode::NOT_MODIFIED, Vec::new(), tag);
    response.headers_mut().remove(header::CONTENT_TYPE);
    response
}

/// Answers with a document and its entity tag, or 304 if the caller has it.
pub(super) fn document(headers: &HeaderMap, view: &impl Serialize) -> Result<Response> {
    let bytes = encode(view)?;
    let tag = entity_tag_of_json(&bytes);
    Ok(conditional(headers, bytes, &tag))
}

/// Does the same with the entity tag of another form of the view, without what no change of the document makes.
pub(super) fn document_as(headers: &HeaderMap, view: &impl Serialize, of: &impl Serialize) -> Result<Response> {
    Ok(conditional(headers, encode(view)?, &entity_tag_of_json(&encode(of)?)))
}

/// Answers with a changed document, with the entity tag of another form of the view.
pub(super) fn changed_as(view: &impl Serialize, of: &impl Serialize) -> Result<Response> {
    Ok(tagged_as(StatusCode::OK, encode(view)?, &entity_tag_of_json(&encode(of)?)))
}

/// Answers with a changed document.
pub(super) fn changed(view: &impl Serialize) -> Result<Response> {
    Ok(tagged(StatusCode::OK, encode(view)?))
}

/// Answers with a list.
pub(super) fn list(page: &impl Serialize) -> Result<Response> {
    Ok(json(StatusCode::OK, encode(page)?))
}

/// Answers with a new document and its location.
pub(super) fn created<T: Serialize>(answer: &Replayable<T>, location: &str) -> Result<Response> {
    let mut response = tagged(StatusCode::CREATED, encode(&answer.value)?);
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    mark_replayed(&mut response, answer.replayed);
    Ok(response)
}

/// Answers with a new document that shows a secret: nobody stores it, and it has no entity tag.
pub(super) fn once(view: &impl Serialize, location: &str) -> Result<Response> {
    let mut response = json(StatusCode::CREATED, encode(view)?);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Answers with a changed document that shows a secret: nobody stores it, and it has no entity tag.
pub(super) fn secret(view: &impl Serialize) -> Result<Response> {
    let mut response = json(StatusCode::OK, encode(view)?);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Answers an action.
pub(super) fn acted<T: Serialize>(answer: &Replayable<T>) -> Result<Response> {
    let mut response = changed(&answer.value)?;
    mark_replayed(&mut response, answer.replayed);
    Ok(response)
}

fn mark_replayed(response: &mut Response, replayed: bool) {
    if replayed {
        response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
}

/// Answers a deletion.
pub(super) fn nothing() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
