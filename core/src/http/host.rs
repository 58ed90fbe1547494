//! Which host a request asks: one, and in one way. Proxies and servers that read two of them differently let requests through
//! that neither would (RFC 9112 §3.2, RFC 9113 §8.3.1).

use axum::extract::Request;
use http::{HeaderValue, Version, header, uri::Authority};

use crate::error::{Code, Error, Result};

/// Marks requests, as an extension, whose version and target are what their client wrote. Elsewhere an edge has made them up,
/// and they prove nothing.
#[derive(Debug, Clone, Copy)]
pub struct OverTheWire;

fn refused(message: &'static str) -> Error {
    Error::new(Code::INVALID_HOST, message)
}

/// Refuses a request that names no host, two hosts, or something else.
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

/// Whether a byte may stand in a host and port (RFC 3986 §3.2.2). A comma may by that, but joins two headers.
fn may_stand(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=:[]".contains(&byte)
}

fn is_same(authority: &Authority, host: &HeaderValue) -> bool {
    authority.as_str().as_bytes().eq_ignore_ascii_case(host.as_bytes())
}
