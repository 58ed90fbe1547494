//! Requests of the other language.

use axum::body::Body;
use dezky::{Code, Error, Result, service::Principal};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

fn unreadable(what: &'static str) -> Error {
    Error::new(Code::INVALID_REQUEST, what)
}

/// Headers as they are said.
#[derive(Debug, Default)]
pub struct Headers(HeaderMap);

impl Headers {
    /// Adds one.
    ///
    /// # Errors
    /// Kind `BadRequest` when it is none.
    pub fn add(&mut self, name: &[u8], value: &[u8]) -> Result<()> {
        let name = HeaderName::from_bytes(name).map_err(|_| unreadable("a header has no proper name"))?;
        let value =
            HeaderValue::from_bytes(value).map_err(|_| unreadable("a header has a value that cannot be sent"))?;
        self.0.append(name, value);
        Ok(())
    }

    /// Reads lines: a name, a value, and so on. Values are bytes, one for each character
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

/// A request as the other language says it.
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
    /// The system actor in whose name it is made.
    pub actor: Option<String>,
}

impl Said {
    /// The request for the router.
    ///
    /// # Errors
    /// Kind `BadRequest` when it is none.
    pub fn request(self) -> Result<Request<Body>> {
        let mut request = Request::new(self.body.map_or_else(Body::empty, Body::from));
        *request.method_mut() =
            Method::from_bytes(self.method.as_bytes()).map_err(|_| unreadable("the method is no name of one"))?;
        // What no URL is has no route: the router answers that.
        *request.uri_mut() = self.url.parse().unwrap_or_else(|_| Uri::from_static("/%00"));
        *request.headers_mut() = self.headers.0;
        if let Some(name) = self.actor {
            request.extensions_mut().insert(Principal::named_system(&name)?);
        }
        Ok(request)
    }
}
