//! Addresses outside the public internet (IANA's special-purpose address registries; RFC 6890).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Returns the kind of an address that is not on the public internet.
///
/// An IPv6 address that embeds an IPv4 address has the kind of the latter. Unallocated addresses are not public.
#[must_use]
pub fn private_range(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => private_ipv4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(embedded) => private_ipv4(embedded),
            None => private_ipv6(address),
        },
    }
}

fn private_ipv4(address: Ipv4Addr) -> Option<&'static str> {
    Some(match address.octets() {
        [0, ..] => "unspecified",
        [127, ..] => "loopback",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "private",
        [169, 254, ..] => "link-local",
        [100, 64..=127, ..] => "shared (carrier-grade NAT)",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => "documentation",
        [198, 18..=19, ..] => "benchmarking",
        [224..=239, ..] => "multicast",
        [192, 0, 0, _] | [192, 88, 99, _] | [240..=255, ..] => "reserved",
        _ => return None,
    })
}

fn private_ipv6(address: Ipv6Addr) -> Option<&'static str> {
    Some(match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => "unspecified",
        [0, 0, 0, 0, 0, 0, 0, 1] => "loopback",
        [0xfc00..=0xfdff, ..] => "unique local",
        [0xfe80..=0xfebf, ..] => "link-local",
        [0xfec0..=0xfeff, ..] => "site-local",
        [0xff00..=0xffff, ..] => "multicast",
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => "documentation",
        [0x2001, 0x0002, 0, ..] => "benchmarking",
        // Teredo and other ranges not allocated to networks.
        [0x2001, 0..=0x01ff, ..] => "reserved",
        [0x2000..=0x3fff, ..] => return None,
        _ => "reserved",
    })
}

/// Extracts the IPv4 address that a translator or tunnel would reach through an IPv6 address.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| {
        let ([first, second], [third, fourth]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(first, second, third, fourth))
    };
    match address.segments() {
        // IPv4-compatible (deprecated), apart from `::` and `::1`.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => from(high, low),
        // IPv4-mapped, and translated by SIIT (RFC 4291, section 2.5.5.2; RFC 2765).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => from(high, low),
        // NAT64 (RFC 6052), 6to4 (RFC 3056).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => from(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn tells_what_is_not_of_the_public_internet() {
        for (range, addresses) in [
            ("unspecified", "0.0.0.0 0.1.2.3 :: ::ffff:0.0.0.0"),
            (
                "loopback",
                "127.0.0.1 127.255.255.254 ::1 ::ffff:127.0.0.1 ::127.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 2002:7f00:1::",
            ),
            (
                "private",
                "10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 ::ffff:10.0.0.1 64:ff9b::a00:1 2002:c0a8:1::1",
            ),
            ("link-local", "169.254.0.1 169.254.169.254 fe80::1 febf::1 ::ffff:169.254.169.254"),
            ("shared (carrier-grade NAT)", "100.64.0.1 100.127.255.255 ::ffff:100.64.0.1"),
            ("unique local", "fc00::1 fd00:ec2::254 fdff::1"),
            ("site-local", "fec0::1"),
            ("multicast", "224.0.0.1 239.255.255.255 ff02::1 ::ffff:224.0.0.1"),
            ("documentation", "192.0.2.1 198.51.100.1 203.0.113.1 2001:db8::1 3fff::1"),
            ("benchmarking", "198.18.0.1 198.19.255.255 2001:2::1"),
            ("reserved", "192.0.0.1 192.88.99.1 240.0.0.1 255.255.255.255 2001::1 64:ff9b:1::1 100::1 4000::1"),
        ] {
            for address in addresses.split(' ') {
                assert_eq!(private_range(address.parse().unwrap()), Some(range), "{address}");
            }
        }
    }

    #[test]
    fn leaves_the_public_internet_alone() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.1",
            "192.167.255.255",
            "192.169.0.1",
            "198.17.255.255",
            "198.20.0.1",
            "223.255.255.255",
            "2a01:4f8::1",
            "2001:4860:4860::8888",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2002:101:101::1",
            "2606:4700::1111",
        ] {
            assert_eq!(private_range(address.parse().unwrap()), None, "{address}");
        }
    }
}
