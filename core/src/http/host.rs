//! Checks the host of a request, which must be given exactly once.
//!
//! Proxies and servers that interpret an ambiguous host differently let requests through that neither would (RFC 9112
//! §3.2, RFC 9113 §8.3.1).

use std::net::IpAddr;

use axum::extract::Request;
use http::{HeaderMap, HeaderValue, Uri, Version, header, uri::Authority};

use crate::error::{Code, Error, Result};

/// Extension of requests whose version and target come from the client.
///
/// Other edges construct them, so they prove nothing there.
#[derive(Debug, Clone, Copy)]
pub struct OverTheWire;

fn refused(message: &'static str) -> Error {
    Error::new(Code::INVALID_HOST, message)
}

/// Refuses a request with no host, two hosts, or an invalid one.
pub(super) fn check(request: &Request) -> Result<()> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(refused("there are two `Host` headers: send one"));
    }
    if host.is_some_and(|host| !host.as_bytes().iter().all(|byte| may_stand(*byte))) {
        return Err(refused("`Host` holds other than a name or address, and a port"));
    }
    if request.extensions().get::<OverTheWire>().is_none() {
        return Ok(());
    }
    match (request.uri().authority(), host) {
        (Some(authority), _) if authority.as_str().contains('@') => {
            Err(refused("the target names a user: send a token in `Authorization` instead"))
        }
        (Some(authority), Some(host)) if !is_same(authority, host) => {
            Err(refused("the target and `Host` name different hosts: send one of them"))
        }
        (_, None) if request.version() == Version::HTTP_11 => Err(refused("there is no `Host` header: send one")),
        (None, None) if request.version() > Version::HTTP_11 => {
            Err(refused("there is neither `:authority` nor `Host`: send one"))
        }
        _ => Ok(()),
    }
}

/// Returns `true` if a byte may occur in a host and port (RFC 3986 §3.2.2). A comma may, but it joins two headers.
fn may_stand(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=:[]".contains(&byte)
}

fn is_same(authority: &Authority, host: &HeaderValue) -> bool {
    authority.as_str().as_bytes().eq_ignore_ascii_case(host.as_bytes())
}

/// Returns the base of this server's addresses at the host that was asked: with `https`, but on the machine itself.
pub(super) fn base(uri: &Uri, headers: &HeaderMap) -> Result<String> {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = uri.authority().map(Authority::as_str).or(named);
    let host = host.ok_or_else(|| refused("there is no `Host` header: send one"))?;
    let is_local = host.parse::<Authority>().is_ok_and(|authority| {
        let name = authority.host().trim_start_matches('[').trim_end_matches(']');
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    });
    Ok(format!("{}://{host}", if is_local { "http" } else { "https" }))
}
