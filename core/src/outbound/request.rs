//! Outbound requests.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Serialize;
use url::{Url, form_urlencoded};

use super::error::{OutboundError, OutboundErrorKind};
use crate::trace::TRACEPARENT;

/// Header of idempotency keys.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Headers that the client sets itself.
const RESERVED_HEADERS: [HeaderName; 8] = [
    header::AUTHORIZATION,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::COOKIE,
    header::HOST,
    header::PROXY_AUTHORIZATION,
    header::TRANSFER_ENCODING,
    TRACEPARENT,
];

/// An outbound request: method, path below a base URL, query, headers and body.
///
/// ```
/// use dezky::outbound::Request;
///
/// let request = Request::get("/api/v3/core/groups").trailing_slash().query("name", "acme");
/// let request = Request::patch("/api/v3/core/users").segment("a/b").json(&serde_json::json!({ "is_active": false }));
/// ```
#[derive(Clone)]
pub struct Request {
    method: Method,
    segments: Vec<Cow<'static, str>>,
    trailing_slash: bool,
    query: Vec<(Cow<'static, str>, String)>,
    headers: HeaderMap,
    body: Bytes,
    secret_path: bool,
    invalid: Option<&'static str>,
}

impl Request {
    /// Creates a request for a path below the base URL; empty for the base URL itself.
    ///
    /// The path is written in the code. Variable parts are appended by [`segment`](Self::segment).
    #[must_use]
    pub fn new(method: Method, path: &'static str) -> Self {
        Self {
            method,
            segments: path.split('/').filter(|segment| !segment.is_empty()).map(Cow::Borrowed).collect(),
            trailing_slash: path.len() > 1 && path.ends_with('/'),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            secret_path: false,
            invalid: None,
        }
    }

    /// Creates a `GET` request.
    #[must_use]
    pub fn get(path: &'static str) -> Self {
        Self::new(Method::GET, path)
    }

    /// Creates a `POST` request.
    #[must_use]
    pub fn post(path: &'static str) -> Self {
        Self::new(Method::POST, path)
    }

    /// Creates a `PUT` request.
    #[must_use]
    pub fn put(path: &'static str) -> Self {
        Self::new(Method::PUT, path)
    }

    /// Creates a `PATCH` request.
    #[must_use]
    pub fn patch(path: &'static str) -> Self {
        Self::new(Method::PATCH, path)
    }

    /// Creates a `DELETE` request.
    #[must_use]
    pub fn delete(path: &'static str) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// Appends a path segment of any characters, which are percent-encoded.
    ///
    /// An empty segment, `.`, `..` and control characters would name another path and make the request invalid.
    #[must_use]
    pub fn segment(mut self, segment: impl Into<Cow<'static, str>>) -> Self {
        self.segments.push(segment.into());
        self.trailing_slash = false;
        self
    }

    /// Ends the path with a slash.
    #[must_use]
    pub fn trailing_slash(mut self) -> Self {
        self.trailing_slash = true;
        self
    }

    /// Keeps the path out of texts, for addresses whose path is a secret.
    #[must_use]
    pub fn with_secret_path(mut self) -> Self {
        self.secret_path = true;
        self
    }

    /// Appends a query parameter.
    #[must_use]
    pub fn query(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Sets a header. Those that the client sets itself, such as `Authorization`, make the request invalid.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) if !RESERVED_HEADERS.contains(&name) => {
                self.headers.insert(name, value);
            }
            Ok(_) => self.invalid = Some("a request sets a header that only the client sets"),
            Err(_) => self.invalid = Some("a request has a header with a line break or another control character"),
        }
        self
    }

    /// Sets the idempotency key, with which a request of any method may be repeated.
    #[must_use]
    pub fn idempotency_key(self, key: &str) -> Self {
        self.header(IDEMPOTENCY_KEY, key)
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(mut self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => self.body("application/json", body),
            Err(_) => {
                self.invalid = Some("the body of a request has no form in JSON");
                self
            }
        }
    }

    /// Sets a form body (`application/x-www-form-urlencoded`).
    #[must_use]
    pub fn form<N: AsRef<str>, V: AsRef<str>>(self, fields: impl IntoIterator<Item = (N, V)>) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.body("application/x-www-form-urlencoded", body)
    }

    /// Sets a body of bytes and its media type.
    #[must_use]
    pub fn body(mut self, media_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        self.body = body.into();
        self
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(super) fn body_bytes(&self) -> Bytes {
        self.body.clone()
    }

    /// Returns `true` if sending twice has the effect of sending once.
    pub(super) fn may_repeat(&self) -> bool {
        self.method.is_idempotent() || self.headers.contains_key(IDEMPOTENCY_KEY)
    }

    /// Joins the base URL with path and query.
    pub(super) fn url(&self, base: &Url) -> Result<Url, OutboundError> {
        let invalid = |message: &'static str| OutboundError::new(OutboundErrorKind::InvalidRequest, message);
        if let Some(message) = self.invalid {
            return Err(invalid(message));
        }
        // Control characters, of which URLs drop some.
        let misleads = |segment: &str| matches!(segment, "" | "." | "..") || segment.chars().any(char::is_control);
        if self.segments.iter().any(|segment| misleads(segment)) {
            return Err(invalid(
                "a part of the path of a request is empty, `.` or `..`, or has a control character, and would name another path",
            ));
        }
        let mut url = base.clone();
        url.set_fragment(None);
        if !self.segments.is_empty() || self.trailing_slash {
            let mut path = url.path_segments_mut().map_err(|()| invalid("the base URL of a request has no path"))?;
            path.pop_if_empty().extend(self.segments.iter());
            if self.trailing_slash {
                path.push("");
            }
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }

    /// Returns a URL without what may be secret, bounded in length.
    pub(super) fn shown(&self, url: &Url) -> String {
        let path = if self.secret_path { "" } else { url.path() };
        let text = format!("{}{path}", url.origin().ascii_serialization());
        text.chars().take(300).collect()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn url(base: &str, request: &Request) -> String {
        request.url(&Url::parse(base).unwrap()).unwrap().to_string()
    }

    #[test]
    fn paths_are_joined_below_the_base() {
        for (base, request, expected) in [
            ("https://a.example", Request::get("/"), "https://a.example/"),
            ("https://a.example/keys?set=1#top", Request::get(""), "https://a.example/keys?set=1"),
            ("https://a.example", Request::get("/b/c"), "https://a.example/b/c"),
            ("https://a.example/graph/", Request::get("b/c/"), "https://a.example/graph/b/c/"),
            ("https://a.example/graph", Request::get("/b").segment("c"), "https://a.example/graph/b/c"),
            ("https://a.example", Request::get("/b/").segment("c").trailing_slash(), "https://a.example/b/c/"),
            ("https://a.example", Request::get("/members/$ref"), "https://a.example/members/$ref"),
            (
                "https://a.example",
                Request::get("/b").query("n", "x y&z").query("m", "é"),
                "https://a.example/b?n=x+y%26z&m=%C3%A9",
            ),
        ] {
            assert_eq!(url(base, &request), expected);
        }
    }

    #[test]
    fn no_segment_reaches_another_path() {
        for (segment, expected) in [
            ("../admin", "..%2Fadmin"),
            ("%2e%2e", "%252e%252e"),
            ("a?b#c", "a%3Fb%23c"),
            ("..\\admin", "..%5Cadmin"),
            ("a b", "a%20b"),
            ("ü", "%C3%BC"),
        ] {
            assert_eq!(
                url("https://a.example", &Request::get("/users").segment(segment)),
                format!("https://a.example/users/{expected}")
            );
        }
        for segment in ["", ".", "..", "a\nb", "a\tb", "\0"] {
            let error = Request::get("/users").segment(segment).url(&Url::parse("https://a.example").unwrap());
            assert_eq!(error.unwrap_err().kind(), OutboundErrorKind::InvalidRequest);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_segment_stays_one_segment(segment in "\\PC{1,20}") {
            proptest::prop_assume!(segment != "." && segment != "..");
            let joined = Request::get("/users").segment(segment.clone()).url(&Url::parse("https://a.example/base").unwrap());
            let joined = joined.unwrap();
            let segments: Vec<_> = joined.path_segments().unwrap().collect();
            proptest::prop_assert_eq!(segments.len(), 3);
            let decoded = percent_encoding::percent_decode_str(segments[2]).decode_utf8().unwrap();
            proptest::prop_assert_eq!(decoded, segment);
        }
    }

    #[test]
    fn headers_of_the_client_are_not_set_by_requests() {
        let base = Url::parse("https://a.example").unwrap();
        for name in RESERVED_HEADERS {
            assert!(Request::get("/").header(name, "x").url(&base).is_err());
        }
        assert!(Request::get("/").header(header::ACCEPT, "a\r\nb: c").url(&base).is_err());
        assert!(Request::get("/").header(header::ACCEPT, "application/json").url(&base).is_ok());
    }

    #[test]
    fn only_idempotent_requests_and_those_with_a_key_may_be_repeated() {
        assert!(Request::get("/").may_repeat() && Request::put("/").may_repeat() && Request::delete("/").may_repeat());
        assert!(!Request::post("/").may_repeat() && !Request::patch("/").may_repeat());
        assert!(Request::post("/").idempotency_key("k").may_repeat());
    }

    #[test]
    fn debug_shows_neither_address_nor_headers_nor_body() {
        let request = Request::post("/hook").segment("s3cret").header(header::ACCEPT, "s3cret").json(&"s3cret");
        assert_eq!(format!("{:?}", request.query("key", "s3cret")), "Request { method: POST, .. }");
    }
}
