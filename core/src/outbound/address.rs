//! Addresses outside the public internet (IANA's special-purpose address registries; RFC 6890).

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Range of an address, by its use on the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressRange {
    /// The public internet.
    Public,
    /// No particular address, which reaches this machine.
    Unspecified,
    /// This machine.
    Loopback,
    /// A private IPv4 network (RFC 1918).
    Private,
    /// A private IPv6 network (RFC 4193).
    UniqueLocal,
    /// Addresses behind a carrier's NAT (RFC 6598).
    Shared,
    /// The same link.
    LinkLocal,
    /// A private IPv6 network, by a deprecated definition (RFC 3879).
    SiteLocal,
    /// The metadata service of a cloud, which hands out credentials.
    Metadata,
    /// Groups of receivers.
    Multicast,
    /// Examples.
    Documentation,
    /// Measurements.
    Benchmarking,
    /// Not allocated to networks.
    Reserved,
}

impl AddressRange {
    /// Returns the range of an address.
    ///
    /// An IPv6 address that embeds an IPv4 address has the range of the latter. Unallocated addresses are not public.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => ipv4(address),
            IpAddr::V6(address) => match embedded(address) {
                Some(embedded) => ipv4(embedded),
                None => ipv6(address),
            },
        }
    }

    /// Returns `true` if the range is the public internet.
    #[must_use]
    pub fn is_public(self) -> bool {
        self == Self::Public
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Public => "public",
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::UniqueLocal => "unique local",
            Self::Shared => "shared (carrier-grade NAT)",
            Self::LinkLocal => "link-local",
            Self::SiteLocal => "site-local",
            Self::Metadata => "cloud metadata",
            Self::Multicast => "multicast",
            Self::Documentation => "documentation",
            Self::Benchmarking => "benchmarking",
            Self::Reserved => "reserved",
        })
    }
}

/// Ranges that a client may connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowedAddresses {
    public: bool,
    private: bool,
    loopback: bool,
    special: bool,
}

impl AllowedAddresses {
    /// The public internet.
    pub const PUBLIC: Self = Self { public: true, private: false, loopback: false, special: false };
    /// This machine.
    pub const LOOPBACK: Self = Self { public: false, private: false, loopback: true, special: false };
    /// Every address, including link-local ones and metadata services.
    pub const ANY: Self = Self { public: true, private: true, loopback: true, special: true };

    /// Adds private networks: RFC 1918, unique local, and shared addresses.
    #[must_use]
    pub const fn and_private(mut self) -> Self {
        self.private = true;
        self
    }

    /// Adds this machine.
    #[must_use]
    pub const fn and_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Returns `true` if addresses of a range are allowed.
    #[must_use]
    pub fn contains(self, range: AddressRange) -> bool {
        match range {
            AddressRange::Public => self.public,
            AddressRange::Private | AddressRange::UniqueLocal | AddressRange::Shared => self.private,
            AddressRange::Loopback => self.loopback,
            _ => self.special,
        }
    }
}

fn ipv4(address: Ipv4Addr) -> AddressRange {
    match address.octets() {
        // AWS, Google, Azure and others; Azure's wire server; Alibaba Cloud; Oracle Cloud.
        [169, 254, 169, 254] | [168, 63, 129, 16] | [100, 100, 100, 200] | [192, 0, 0, 192] => AddressRange::Metadata,
        [0, ..] => AddressRange::Unspecified,
        [127, ..] => AddressRange::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressRange::Private,
        [169, 254, ..] => AddressRange::LinkLocal,
        [100, 64..=127, ..] => AddressRange::Shared,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => AddressRange::Documentation,
        [198, 18..=19, ..] => AddressRange::Benchmarking,
        [224..=239, ..] => AddressRange::Multicast,
        [192, 0, 0, _] | [192, 88, 99, _] | [240..=255, ..] => AddressRange::Reserved,
        _ => AddressRange::Public,
    }
}

fn ipv6(address: Ipv6Addr) -> AddressRange {
    match address.segments() {
        // AWS.
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254] => AddressRange::Metadata,
        [0, 0, 0, 0, 0, 0, 0, 0] => AddressRange::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressRange::Loopback,
        [0xfc00..=0xfdff, ..] => AddressRange::UniqueLocal,
        [0xfe80..=0xfebf, ..] => AddressRange::LinkLocal,
        [0xfec0..=0xfeff, ..] => AddressRange::SiteLocal,
        [0xff00..=0xffff, ..] => AddressRange::Multicast,
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => AddressRange::Documentation,
        [0x2001, 0x0002, 0, ..] => AddressRange::Benchmarking,
        // Teredo and other ranges not allocated to networks.
        [0x2001, 0..=0x01ff, ..] => AddressRange::Reserved,
        [0x2000..=0x3fff, ..] => AddressRange::Public,
        _ => AddressRange::Reserved,
    }
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
            ("link-local", "169.254.0.1 fe80::1 febf::1 ::ffff:169.254.169.253"),
            (
                "cloud metadata",
                "169.254.169.254 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 168.63.129.16 100.100.100.200 192.0.0.192 fd00:ec2::254",
            ),
            ("shared (carrier-grade NAT)", "100.64.0.1 100.127.255.255 ::ffff:100.64.0.1"),
            ("unique local", "fc00::1 fd00:ec2::253 fdff::1"),
            ("site-local", "fec0::1"),
            ("multicast", "224.0.0.1 239.255.255.255 ff02::1 ::ffff:224.0.0.1"),
            ("documentation", "192.0.2.1 198.51.100.1 203.0.113.1 2001:db8::1 3fff::1"),
            ("benchmarking", "198.18.0.1 198.19.255.255 2001:2::1"),
            ("reserved", "192.0.0.1 192.88.99.1 240.0.0.1 255.255.255.255 2001::1 64:ff9b:1::1 100::1 4000::1"),
        ] {
            for address in addresses.split(' ') {
                assert_eq!(AddressRange::of(address.parse().unwrap()).to_string(), range, "{address}");
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
            assert!(AddressRange::of(address.parse().unwrap()).is_public(), "{address}");
        }
    }

    /// The same by the definitions of the standard library, as far as these are stable.
    fn is_special(address: Ipv4Addr) -> bool {
        let [a, b, ..] = address.octets();
        address.is_private()
            || address.is_loopback()
            || address.is_link_local()
            || address.is_multicast()
            || address.is_broadcast()
            || address.is_documentation()
            || a == 0
            || a >= 240
            || (a == 100 && (64..128).contains(&b))
    }

    proptest::proptest! {
        #[test]
        fn no_way_to_write_a_special_address_makes_it_public(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            let range = AddressRange::of(address.into());
            proptest::prop_assert!(!(is_special(address) && range.is_public()), "{address}");
            let ([a, b, c, d], mapped) = (address.octets(), address.to_ipv6_mapped());
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            for written in [
                mapped,
                Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            ] {
                proptest::prop_assert_eq!(AddressRange::of(written.into()), range, "{}", written);
            }
        }

        #[test]
        fn only_global_unicast_is_public(bits: u128) {
            let address = Ipv6Addr::from_bits(bits);
            if AddressRange::of(address.into()).is_public() {
                let embedded = embedded(address).is_some_and(|address| !is_special(address));
                proptest::prop_assert!(embedded || bits >> 125 == 1, "{address}");
            }
        }
    }

    #[test]
    fn private_networks_do_not_include_what_hands_out_credentials() {
        let allowed = AllowedAddresses::PUBLIC.and_private().and_loopback();
        for (address, expected) in [
            ("1.1.1.1", true),
            ("10.0.0.1", true),
            ("fd00::1", true),
            ("100.64.0.1", true),
            ("127.0.0.1", true),
            ("169.254.169.254", false),
            ("169.254.0.1", false),
            ("100.100.100.200", false),
            ("fd00:ec2::254", false),
            ("0.0.0.0", false),
            ("224.0.0.1", false),
        ] {
            let range = AddressRange::of(address.parse().unwrap());
            assert_eq!(allowed.contains(range), expected, "{address}");
            assert!(AllowedAddresses::ANY.contains(range), "{address}");
            assert_eq!(AllowedAddresses::PUBLIC.contains(range), range.is_public(), "{address}");
            assert_eq!(AllowedAddresses::LOOPBACK.contains(range), range == AddressRange::Loopback, "{address}");
        }
    }
}
