//! Answers of the router.

use std::panic::AssertUnwindSafe;

use axum::{Router, body::Body};
use bytes::Bytes;
use dezky::{Error, Result};
use futures_util::FutureExt as _;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

/// An answer, with its whole body.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Sends a request to the router.
///
/// # Errors
/// Kind `Internal` when the body breaks off, which never happens for the router.
pub async fn ask(router: Router, request: Request<Body>) -> Result<Answer> {
    let response = match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|error| Error::internal(error.to_string()))?.to_bytes();
    Ok(Answer { status: parts.status, headers: parts.headers, body })
}

/// Converts a panic to an error; otherwise the other language would wait forever, or its process would end.
///
/// # Errors
/// Those of the work, and kind `Internal` after a panic.
pub async fn guarded<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(result) => result,
        Err(_) => Err(Error::internal("a call panicked; standard error says where")),
    }
}
