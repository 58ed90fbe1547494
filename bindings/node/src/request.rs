//! Requests from JavaScript.

use axum::body::Body;
use dezky::{Error, ErrorKind, Result, service::Principal};
use http::{HeaderName, HeaderValue, Method, Request, Uri};

fn unreadable(what: &'static str) -> Error {
    Error::new(ErrorKind::BadRequest, "invalid_request", what)
}

/// A request as JavaScript says it. `headers` are lines: a name, a value, and so on.
pub(crate) struct Said {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: String,
    pub(crate) body: Option<Vec<u8>>,
    /// The system actor in whose name it is made.
    pub(crate) actor: Option<String>,
}

impl Said {
    /// The request for the router.
    ///
    /// # Errors
    /// Kind `BadRequest` when it is none.
    pub(crate) fn request(self) -> Result<Request<Body>> {
        let mut request = Request::new(self.body.map_or_else(Body::empty, Body::from));
        *request.method_mut() =
            Method::from_bytes(self.method.as_bytes()).map_err(|_| unreadable("the method is no name of one"))?;
        // What no URL is has no route: the router answers that.
        *request.uri_mut() = self.url.parse().unwrap_or_else(|_| Uri::from_static("/%00"));
        let mut lines = self.headers.split('\n');
        while let (Some(name), Some(value)) = (lines.next().filter(|name| !name.is_empty()), lines.next()) {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| unreadable("a header has no proper name"))?;
            let value = latin_1(value).ok_or_else(|| unreadable("a header has a value that cannot be sent"))?;
            request.headers_mut().append(name, value);
        }
        if let Some(name) = self.actor {
            request.extensions_mut().insert(Principal::named_system(&name)?);
        }
        Ok(request)
    }
}

/// Values of headers are bytes, one for each character (<https://fetch.spec.whatwg.org/#headers-class>).
fn latin_1(text: &str) -> Option<HeaderValue> {
    if text.is_ascii() {
        return HeaderValue::from_str(text).ok();
    }
    let bytes: Option<Vec<u8>> = text.chars().map(|character| u8::try_from(character).ok()).collect();
    HeaderValue::from_bytes(&bytes?).ok()
}
