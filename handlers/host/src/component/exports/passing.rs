//! Header fields that cross the boundary.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Request fields that a component sees: those that the router reads. Other fields may contain secrets.
const LET_IN: [HeaderName; 7] = [
    header::ACCEPT,
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::HOST,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    HeaderName::from_static("idempotency-key"),
];

/// Answer fields that pass: those that the router sets. A component cannot set cookies.
const LET_OUT: [HeaderName; 10] = [
    header::ALLOW,
    header::CACHE_CONTROL,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::ETAG,
    header::LOCATION,
    header::RETRY_AFTER,
    header::VARY,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("idempotency-replayed"),
];

/// Returns the request fields that a component sees.
pub(super) fn let_in(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    headers.iter().filter(|(name, _)| LET_IN.contains(name))
}

/// Returns `true` if a field of an answer passes.
pub(super) fn is_let_out(name: &HeaderName) -> bool {
    LET_OUT.contains(name)
}
