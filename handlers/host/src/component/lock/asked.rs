//! The original request of the caller. All writes follow from it, and not from anything that the component states.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri};

/// A request as received, including the token, which the component never sees.
pub(crate) struct Asked {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Asked {
    /// Creates it from the parts of a request.
    pub(crate) fn new(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Self {
        Self { method, uri, headers, body }
    }

    /// Returns its method.
    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    /// Returns its target.
    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Returns its body, if it was not too large.
    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns all of its headers.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns `true` if its method may change anything (RFC 9110 §9.2.1).
    pub(crate) fn may_write(&self) -> bool {
        !self.method.is_safe()
    }

    /// Returns `true` if the host carries it out itself: what may change anything, and what a component may not read.
    pub(crate) fn may_be_performed(&self) -> bool {
        let exports = self.method == Method::GET && dezky::service::export::is_export(self.uri.path());
        self.may_write() || exports
    }

    /// Returns a copy of the request.
    pub(crate) fn again(&self) -> Request<Body> {
        let mut request = Request::new(Body::from(self.body.clone()));
        request.method_mut().clone_from(&self.method);
        request.uri_mut().clone_from(&self.uri);
        request.headers_mut().clone_from(&self.headers);
        request
    }
}
