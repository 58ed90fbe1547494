//! Access to metrics and readiness details.

use axum::extract::Request;
use http::{HeaderMap, HeaderName, Uri, header};

use super::{Limits, limits::Peer};

/// Callers who may see metrics and readiness details at a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    /// Everyone: the listener is the operations address.
    Everybody,
    /// Direct callers on this machine: there is no operations address.
    ThisMachine,
    /// No one: there is an operations address.
    Nobody,
}

impl Audience {
    /// Returns whether the sender of a request is among them.
    pub(super) fn has(self, request: &Request, limits: &Limits) -> bool {
        match self {
            Self::Everybody => true,
            Self::Nobody => false,
            Self::ThisMachine => {
                let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip().to_canonical());
                let direct = peer.is_some_and(|peer| peer.is_loopback() && !limits.is_proxy(peer));
                direct && !is_forwarded(request.headers()) && names_this_machine(request.uri(), request.headers())
            }
        }
    }
}

/// Returns whether a proxy forwarded the request. A local proxy says so, and a false claim only loses access.
fn is_forwarded(headers: &HeaderMap) -> bool {
    let tells = |name: &HeaderName| {
        let name = name.as_str();
        matches!(
            name,
            "forwarded" | "via" | "x-real-ip" | "x-client-ip" | "x-cluster-client-ip" | "true-client-ip" | "client-ip"
        ) || ["x-forwarded", "x-original-", "x-envoy-", "cf-", "cdn-"].iter().any(|begins| name.starts_with(begins))
    };
    headers.keys().any(tells)
}

/// Returns whether the request names this machine as its host. Proxies and hostile web pages use another name.
fn names_this_machine(uri: &Uri, headers: &HeaderMap) -> bool {
    let authority = uri.authority().map(http::uri::Authority::as_str);
    let mut hosts = headers.get_all(header::HOST).iter();
    let Some(host) = authority.or_else(|| hosts.next()?.to_str().ok()) else { return false };
    let Ok(host) = host.parse::<http::uri::Authority>() else { return false };
    let host = host.host();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

    use std::{net::SocketAddr, sync::Arc};

    use axum::body::Body;

    use super::*;
    use crate::{
        configuration::{LimitSettings, Network},
        server::Metrics,
    };

    fn limits() -> Arc<Limits> {
        let trusted_proxies = vec![Network::parse("127.0.0.9").unwrap(), Network::parse("10.0.0.0/8").unwrap()];
        Limits::new(&LimitSettings { trusted_proxies, ..LimitSettings::none() }, Arc::new(Metrics::new()))
    }

    fn sees(peer: &str, lines: &[(&str, &str)]) -> bool {
        let mut request = Request::get("/metrics").body(Body::empty()).unwrap();
        request.extensions_mut().insert(Peer(peer.parse::<SocketAddr>().unwrap()));
        for (name, value) in lines {
            request.headers_mut().append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        assert!(Audience::Everybody.has(&request, &limits()) && !Audience::Nobody.has(&request, &limits()));
        Audience::ThisMachine.has(&request, &limits())
    }

    #[test]
    fn whoever_asks_from_this_machine_for_this_machine_sees() {
        for peer in ["127.0.0.1:4711", "127.8.9.1:1", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:8080"] {
                assert!(sees(peer, &[("host", host), ("accept", "*/*")]), "{peer} {host}");
            }
        }
    }

    #[test]
    fn whoever_asks_from_elsewhere_does_not_whatever_is_said() {
        for peer in ["192.0.2.1:80", "10.0.0.1:80", "[2001:db8::1]:80", "0.0.0.0:1"] {
            assert!(!sees(peer, &[("host", "localhost")]), "{peer}");
            for name in ["x-forwarded-for", "forwarded", "x-real-ip"] {
                assert!(!sees(peer, &[("host", "localhost"), (name, "127.0.0.1")]), "{peer} {name}");
            }
        }
    }

    #[test]
    fn a_proxy_on_this_machine_does_not() {
        let host = ("host", "localhost:8080");
        assert!(!sees("127.0.0.9:80", &[host]), "one that is configured");
        for name in ["X-Forwarded-For", "x-forwarded-proto", "Forwarded", "Via", "X-Real-IP", "CF-Connecting-IP"] {
            assert!(!sees("127.0.0.1:80", &[host, (name, "127.0.0.1")]), "{name}");
        }
        for name in ["dezky.example", "api.dezky.example:443", "localhost.evil.example", "127.0.0.1.evil.example", ""] {
            assert!(!sees("127.0.0.1:80", &[("host", name)]), "one that passes the public name on: {name}");
        }
        assert!(!sees("127.0.0.1:80", &[]), "no name at all");
    }
}
