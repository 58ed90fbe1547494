//! Requests from the other language.

use axum::body::Body;
use dezky::{Code, Error, Result, service::Principal};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

fn unreadable(what: &'static str) -> Error {
    Error::new(Code::INVALID_REQUEST, what)
}

/// Headers from the other language.
#[derive(Debug, Default)]
pub struct Headers(HeaderMap);

impl Headers {
    /// Adds a header.
    ///
    /// # Errors
    /// Kind `BadRequest` when it is invalid.
    pub fn add(&mut self, name: &[u8], value: &[u8]) -> Result<()> {
        let name = HeaderName::from_bytes(name).map_err(|_| unreadable("a header has no proper name"))?;
        let value =
            HeaderValue::from_bytes(value).map_err(|_| unreadable("a header has a value that cannot be sent"))?;
        self.0.append(name, value);
        Ok(())
    }

    /// Parses lines of alternating names and values. Values are bytes, one per character
    /// (<https://fetch.spec.whatwg.org/#headers-class>).
    ///
    /// # Errors
    /// As [`Headers::add`].
    pub fn lines(text: &str) -> Result<Self> {
        let mut headers = Self::default();
        let mut lines = text.split('\n');
        while let (Some(name), Some(value)) = (lines.next().filter(|name| !name.is_empty()), lines.next()) {
            if value.is_ascii() {
                headers.add(name.as_bytes(), value.as_bytes())?;
                continue;
            }
            let bytes: Option<Vec<u8>> = value.chars().map(|character| u8::try_from(character).ok()).collect();
            let bytes = bytes.ok_or_else(|| unreadable("a header has a value that cannot be sent"))?;
            headers.add(name.as_bytes(), &bytes)?;
        }
        Ok(headers)
    }
}

/// A request from the other language.
#[derive(Debug)]
pub struct Said {
    /// The method.
    pub method: String,
    /// Path and query, with or without an origin.
    pub url: String,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// The system actor on whose behalf it is made.
    pub actor: Option<String>,
}

impl Said {
    /// Converts it to a request for the router.
    ///
    /// # Errors
    /// Kind `BadRequest` when it is invalid.
    pub fn request(self) -> Result<Request<Body>> {
        let mut request = Request::new(self.body.map_or_else(Body::empty, Body::from));
        *request.method_mut() =
            Method::from_bytes(self.method.as_bytes()).map_err(|_| unreadable("the method is no name of one"))?;
        // An invalid URL has no route, which the router answers.
        *request.uri_mut() = self.url.parse().unwrap_or_else(|_| Uri::from_static("/%00"));
        *request.headers_mut() = self.headers.0;
        if let Some(name) = self.actor {
            request.extensions_mut().insert(Principal::named_system(&name)?);
        }
        Ok(request)
    }
}
