//! Client address of a request: the peer's, or the one named by trusted proxies.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, header};

use crate::configuration::{ForwardedHeader, Network};

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// Determines the address of the client.
///
/// Each proxy appends the address of its own peer, so the chain is read from its end for as long as hops are trusted;
/// anything further left may be invented. An unreadable chain is believed as far as it is readable. `X-Forwarded-For`
/// and `Forwarded` (RFC 7239) are parsed alike, but only the one that proxies write counts: proxies pass the other one
/// on from the client.
pub(super) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network], header: ForwardedHeader) -> IpAddr {
    let peer = peer.to_canonical();
    if !trusts(trusted, peer) {
        return peer;
    }
    match header {
        ForwardedHeader::XForwardedFor => first_untrusted(peer, hops(headers, X_FORWARDED_FOR, node), trusted),
        ForwardedHeader::Forwarded => {
            first_untrusted(peer, hops(headers, header::FORWARDED.as_str(), forwarded_for), trusted)
        }
    }
}

fn trusts(trusted: &[Network], address: IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// Iterates over the hops of a header from last to first. Commas are searched from the end, where trusted proxies
/// write, so an unclosed quote of a client hides nothing.
fn hops<'headers>(
    headers: &'headers HeaderMap,
    name: &str,
    parse: impl Fn(&'headers str) -> Option<IpAddr> + Copy + 'headers,
) -> impl Iterator<Item = Option<IpAddr>> + 'headers {
    let lines = headers.get_all(name).into_iter().rev().map(|value| value.to_str().unwrap_or_default());
    lines.flat_map(move |line| line.rsplit(',').map(move |hop| parse(hop.trim())))
}

fn first_untrusted(peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>, trusted: &[Network]) -> IpAddr {
    let mut nearest = peer;
    for hop in hops {
        let Some(address) = hop else { return nearest };
        nearest = address.to_canonical();
        if !trusts(trusted, nearest) {
            return nearest;
        }
    }
    nearest
}

/// Returns the `for` of a `Forwarded` element (RFC 7239 §5.2); `None` if it is hidden, unknown or missing.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut parameters = element.split(';').filter_map(|parameter| parameter.split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    node(value.trim().trim_matches('"'))
}

/// Parses an address with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`,
/// `[2001:db8::1]:80`.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('[') {
        let (address, _) = rest.split_once(']')?;
        return address.parse().ok().map(IpAddr::V6);
    }
    text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

    use http::{HeaderName, HeaderValue};

    use super::*;
    use crate::configuration::Network;

    /// Returns the client where proxies write this header.
    fn found(written: ForwardedHeader, peer: &str, lines: &[(&str, &str)]) -> IpAddr {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|text| Network::parse(text).unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        client(peer.parse().unwrap(), &headers, &trusted, written)
    }

    /// Proxies write the header of the first line.
    fn check(peer: &str, lines: &[(&str, &str)], expected: &str) {
        let written = match lines.first() {
            Some(("forwarded", _)) => ForwardedHeader::Forwarded,
            _ => ForwardedHeader::XForwardedFor,
        };
        assert_eq!(found(written, peer, lines), expected.parse::<IpAddr>().unwrap(), "{peer} {lines:?}");
    }

    #[test]
    fn who_is_not_trusted_is_not_believed() {
        check("192.0.2.1", &[("x-forwarded-for", "198.51.100.9")], "192.0.2.1");
        check("192.0.2.1", &[("forwarded", "for=198.51.100.9")], "192.0.2.1");
        check("192.0.2.1", &[("x-real-ip", "198.51.100.9")], "192.0.2.1");
    }

    #[test]
    fn the_last_address_that_no_trusted_proxy_has_is_the_clients() {
        check("10.0.0.1", &[], "10.0.0.1");
        check("::ffff:10.0.0.1", &[("x-forwarded-for", "192.0.2.1")], "192.0.2.1");
        check("10.0.0.1", &[("x-forwarded-for", "198.51.100.9, 192.0.2.1")], "192.0.2.1");
        check("10.0.0.1", &[("x-forwarded-for", "198.51.100.9, 192.0.2.1, 10.0.0.2")], "192.0.2.1");
        check("10.0.0.1", &[("x-forwarded-for", "198.51.100.9"), ("x-forwarded-for", "192.0.2.1")], "192.0.2.1");
        check("10.0.0.1", &[("x-forwarded-for", "10.0.0.3, 10.0.0.2")], "10.0.0.3");
        check("fd00::1", &[("x-forwarded-for", "[2001:db8::7]:443")], "2001:db8::7");
        check("10.0.0.1", &[("x-forwarded-for", "192.0.2.1:4711")], "192.0.2.1");
    }

    #[test]
    fn forwarded_is_read_like_its_older_sibling() {
        check("10.0.0.1", &[("forwarded", "for=198.51.100.9, For=\"192.0.2.1:4711\";proto=https")], "192.0.2.1");
        check("10.0.0.1", &[("forwarded", "proto=https;for=\"[2001:db8::7]\", for=10.0.0.2")], "2001:db8::7");
        check("10.0.0.1", &[("forwarded", "for=\"198.51.100.9, for=192.0.2.1")], "192.0.2.1");
    }

    #[test]
    fn what_cannot_be_read_ends_the_chain_at_the_last_proxy_that_is_known() {
        check("10.0.0.1", &[("forwarded", "for=192.0.2.1, for=_hidden, for=10.0.0.2")], "10.0.0.2");
        check("10.0.0.1", &[("forwarded", "for=unknown")], "10.0.0.1");
        check("10.0.0.1", &[("x-forwarded-for", "192.0.2.1, ")], "10.0.0.1");
        check("10.0.0.1", &[("forwarded", "by=192.0.2.1")], "10.0.0.1");
    }

    #[test]
    fn the_header_that_proxies_do_not_write_counts_for_nothing() {
        let (older, newer) = (("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=198.51.100.9"));
        for lines in [[older, newer], [newer, older]] {
            assert_eq!(found(ForwardedHeader::XForwardedFor, "10.0.0.1", &lines), IpAddr::from([192, 0, 2, 1]));
            assert_eq!(found(ForwardedHeader::Forwarded, "10.0.0.1", &lines), IpAddr::from([198, 51, 100, 9]));
        }
        let proxy = IpAddr::from([10, 0, 0, 1]);
        assert_eq!(found(ForwardedHeader::XForwardedFor, "10.0.0.1", &[newer]), proxy, "alone it counts no more");
        assert_eq!(found(ForwardedHeader::Forwarded, "10.0.0.1", &[older]), proxy);
    }
}
