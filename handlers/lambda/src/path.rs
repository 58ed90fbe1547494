//! Request paths as the router knows them: without stage and base path, otherwise unchanged.

use axum::body::Body;
use dezky::http::ClientAddress;
use http::{
    header,
    uri::{PathAndQuery, Uri},
};
use lambda_http::{Request, RequestExt as _, request::RequestContext};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::event::{KEPT_HOST, rename};

/// Characters not allowed in a path (RFC 3986 §3.3). The percent sign is: some gateways pass encoded paths.
const NOT_IN_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'\\')
    .add(b'^')
    .add(b'|');

/// Converts a request for the router.
pub(crate) fn bare(base_path: &str, request: Request) -> http::Request<Body> {
    let (stage, address) = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(context)) => (context.stage.clone(), context.identity.source_ip.clone()),
        Some(RequestContext::ApiGatewayV2(context)) => (context.stage.clone(), context.http.source_ip.clone()),
        _ => (None, None),
    };
    let path = request.raw_http_path();
    let path = stage.as_deref().map_or(path, |stage| without(path, stage));
    let path = without(path, base_path.trim_matches('/'));
    let target = target(path, request.uri().query());
    let (mut parts, body) = request.into_parts();
    // Without a target, the router responds 404.
    parts.uri = target.map_or_else(|| Uri::from_static("/%00"), Uri::from);
    parts.extensions.clear();
    if let Some(address) = address.and_then(|address| address.parse().ok()) {
        parts.extensions.insert(ClientAddress(address));
    }
    rename(&mut parts.headers, KEPT_HOST, header::HOST);
    let body = match body {
        lambda_http::Body::Empty => Body::empty(),
        lambda_http::Body::Text(text) => Body::from(text),
        lambda_http::Body::Binary(bytes) => Body::from(bytes),
        _ => Body::empty(),
    };
    http::Request::from_parts(parts, body)
}

/// Strips leading segments from a path, if present.
fn without<'path>(path: &'path str, segments: &str) -> &'path str {
    if segments.is_empty() {
        return path;
    }
    match path.strip_prefix('/').and_then(|rest| rest.strip_prefix(segments)) {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

fn target(path: &str, query: Option<&str>) -> Option<PathAndQuery> {
    let path = utf8_percent_encode(if path.is_empty() { "/" } else { path }, NOT_IN_PATHS);
    match query {
        None => path.to_string(),
        Some(query) => format!("{path}?{query}"),
    }
    .parse()
    .ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn whole_segments_alone_are_taken_away() {
        for (path, segments, expected) in [
            ("/prod/users/me", "prod", "/users/me"),
            ("/prod", "prod", "/"),
            ("/production/users", "prod", "/production/users"),
            ("/users/prod", "prod", "/users/prod"),
            ("/a/b/users", "a/b", "/users"),
            ("/users", "", "/users"),
        ] {
            assert_eq!(without(path, segments), expected, "{path} {segments}");
        }
    }

    #[test]
    fn targets_are_what_a_uri_may_hold() {
        assert_eq!(target("/a b/{c}", Some("x=1&x=2")).unwrap(), "/a%20b/%7Bc%7D?x=1&x=2");
        assert_eq!(target("", None).unwrap(), "/");
        assert_eq!(target("/a%20b/\u{e9}", None).unwrap(), "/a%20b/%C3%A9");
    }
}
