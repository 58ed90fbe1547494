//! What the caller has asked for in so many words. Whatever is written follows from this and from nothing that the
//! component says.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri};

/// A request as it came in, with the token, which the component never sees.
pub(crate) struct Asked {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Asked {
    /// Of a request.
    pub(crate) fn new(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Self {
        Self { method, uri, headers, body }
    }

    /// Its method.
    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    /// Its target.
    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Its body, if it was not too large.
    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    /// Its headers, all of them.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Whether it may change anything at all (RFC 9110 §9.2.1).
    pub(crate) fn may_write(&self) -> bool {
        !self.method.is_safe()
    }

    /// The same request once more.
    pub(crate) fn again(&self) -> Request<Body> {
        let mut request = Request::new(Body::from(self.body.clone()));
        request.method_mut().clone_from(&self.method);
        request.uri_mut().clone_from(&self.uri);
        request.headers_mut().clone_from(&self.headers);
        request
    }
}
