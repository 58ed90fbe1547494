//! Which fields of heads pass the boundary.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Fields of requests that a component sees: what the router reads. Whatever else a client or a proxy sends may be a secret.
const LET_IN: [HeaderName; 7] = [
    header::ACCEPT,
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::HOST,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    HeaderName::from_static("idempotency-key"),
];

/// Fields of answers that pass: what the router sets. A component sets no cookie.
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

/// The fields of a request that a component sees.
pub(super) fn let_in(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    headers.iter().filter(|(name, _)| LET_IN.contains(name))
}

/// Whether a field of an answer passes.
pub(super) fn is_let_out(name: &HeaderName) -> bool {
    LET_OUT.contains(name)
}
