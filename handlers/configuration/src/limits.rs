//! Limits of a server: request rates per caller and per address, and concurrency.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    time::Duration,
};

use dezky::Result;
pub use dezky::domain::fields::network::Network;

use super::{
    settings::{self, Setting},
    sources::{Found, Sources},
};

/// Rate with a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests per second.
    pub per_second: NonZeroU32,
    /// Requests at once after a long enough pause.
    pub burst: NonZeroU32,
}

/// Header with which proxies name the client. The other one is client-controlled and ignored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// All limits of a server. `None` means unlimited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitSettings {
    /// Rate per person or service, after its token was verified.
    pub caller: Option<Rate>,
    /// Rate per address, before the request is examined.
    pub address: Option<Rate>,
    /// Proxies that are trusted to name the client.
    pub trusted_proxies: Vec<Network>,
    /// Header with which they do.
    pub forwarded_header: ForwardedHeader,
    /// Maximum number of concurrent requests.
    pub requests_in_flight: Option<NonZeroU32>,
    /// Time limit for receiving a request's head, then its body, and for a client that takes nothing of its response.
    pub arrival: Duration,
    /// Time that an idle connection stays open.
    pub keep_alive: Duration,
}

/// A working person, and a script that makes one request after another, stay far below.
const CALLER_RATE: u32 = 100;
/// A portal asks for all its users from one address.
const ADDRESS_RATE: u32 = 1_000;
/// Burst in seconds of the rate, unless set.
const BURST_SECONDS: u32 = 5;
/// Enough for 15,000 requests per second of 30 ms each; with bodies of 1 MiB each they fit into 512 MiB.
const REQUESTS_IN_FLIGHT: u32 = 512;
/// A body of 1 MiB then needs 0.8 Mbit/s.
const ARRIVAL_SECONDS: u32 = 10;
/// Longer than the usual 60 s of balancers.
const KEEP_ALIVE_SECONDS: u32 = 75;
/// Maximum of a rate or burst; anything beyond is practically unlimited.
const MOST: u32 = 10_000_000;
/// Maximum number of proxies or networks of proxies.
const MOST_PROXIES: usize = 64;

impl LimitSettings {
    /// Disables all limits except timeouts, for development.
    pub fn none() -> Self {
        Self {
            caller: None,
            address: None,
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::default(),
            requests_in_flight: None,
            arrival: Duration::from_secs(u64::from(ARRIVAL_SECONDS)),
            keep_alive: Duration::from_secs(u64::from(KEEP_ALIVE_SECONDS)),
        }
    }
}

/// Returns the key under which an address is counted. A household has at least a /64 of IPv6 and may use any of it.
pub fn counted(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => Ipv6Addr::to_bits(address) & !u128::from(u64::MAX),
    }
}

/// Reads all limits.
///
/// # Errors
/// Kind `Configuration`.
pub(super) fn read(sources: &Sources) -> Result<LimitSettings> {
    Ok(LimitSettings {
        caller: rate(sources, &settings::CALLER_RATE, CALLER_RATE, &settings::CALLER_BURST)?,
        address: rate(sources, &settings::ADDRESS_RATE, ADDRESS_RATE, &settings::ADDRESS_BURST)?,
        trusted_proxies: trusted_proxies(sources)?,
        forwarded_header: forwarded_header(sources)?,
        requests_in_flight: number_of(sources, &settings::REQUESTS_IN_FLIGHT, REQUESTS_IN_FLIGHT)?,
        arrival: seconds(sources, &settings::ARRIVAL_SECONDS, ARRIVAL_SECONDS)?,
        keep_alive: seconds(sources, &settings::KEEP_ALIVE_SECONDS, KEEP_ALIVE_SECONDS)?,
    })
}

/// Parses a finite duration of up to an hour.
fn seconds(sources: &Sources, setting: &'static Setting, default: u32) -> Result<Duration> {
    let given = number_of(sources, setting, default)?.filter(|seconds| seconds.get() <= 3_600);
    if let Some(seconds) = given {
        return Ok(Duration::from_secs(u64::from(seconds.get())));
    }
    let refuse = |found: Found| found.refuse("must be 1 to 3600 seconds");
    Err(sources.find(setting)?.map_or_else(|| dezky::Error::internal("a default is out of range"), refuse))
}

fn rate(sources: &Sources, rate: &'static Setting, default: u32, burst: &'static Setting) -> Result<Option<Rate>> {
    let per_second = number_of(sources, rate, default)?;
    let given = sources.find(burst)?;
    let default = per_second.map_or(1, |rate| rate.get().saturating_mul(BURST_SECONDS).min(MOST));
    match (per_second, number_of(sources, burst, default)?, given) {
        (None, _, _) => Ok(None),
        (Some(per_second), Some(burst), _) => Ok(Some(Rate { per_second, burst })),
        (Some(_), None, Some(found)) => {
            Err(found.refuse(format!("a burst of 0 would let nobody in: set `{}` to `off` instead", rate.variable)))
        }
        (Some(_), None, None) => Ok(None),
    }
}

/// Parses an integer; `0` and `off` give `None`.
fn number_of(sources: &Sources, setting: &'static Setting, default: u32) -> Result<Option<NonZeroU32>> {
    let Some(found) = sources.find(setting)? else { return Ok(NonZeroU32::new(default)) };
    if found.text == "off" {
        return Ok(None);
    }
    match found.text.parse::<u32>() {
        Ok(number) if number <= MOST => Ok(NonZeroU32::new(number)),
        _ => {
            Err(found.refuse(format!("`{}` must be a whole number up to {MOST}, or `off`", found.text.escape_debug())))
        }
    }
}

fn trusted_proxies(sources: &Sources) -> Result<Vec<Network>> {
    let Some(found) = sources.find(&settings::TRUSTED_PROXIES)? else { return Ok(Vec::new()) };
    let mut networks = Vec::new();
    for text in found.text.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        let network = Network::parse(text).ok_or_else(|| {
            found.refuse(format!(
                "`{}` is no address or network: write `10.0.0.7` or `10.0.0.0/8`, with commas between them",
                text.escape_debug()
            ))
        })?;
        networks.push(network);
    }
    if networks.len() > MOST_PROXIES {
        return Err(found.refuse(format!("names more than {MOST_PROXIES}: name their networks instead")));
    }
    Ok(networks)
}

fn forwarded_header(sources: &Sources) -> Result<ForwardedHeader> {
    let Some(found) = sources.find(&settings::FORWARDED_HEADER)? else { return Ok(ForwardedHeader::default()) };
    match found.text.to_ascii_lowercase().as_str() {
        "x-forwarded-for" => Ok(ForwardedHeader::XForwardedFor),
        "forwarded" => Ok(ForwardedHeader::Forwarded),
        _ => Err(found.refuse(format!(
            "`{}` is neither `x-forwarded-for` nor `forwarded`: name the header that your proxy writes",
            found.text.escape_debug()
        ))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn a_network_is_its_first_bits() {
        let contains =
            |network: &str, address: &str| Network::parse(network).unwrap().contains(address.parse().unwrap());
        assert!(contains("10.0.0.0/8", "10.255.0.1"));
        assert!(!contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("10.0.0.0/8", "::ffff:10.1.2.3"), "an IPv4 address is the same in IPv6's clothes");
        assert!(contains("10.0.0.7", "10.0.0.7"));
        assert!(!contains("10.0.0.7", "10.0.0.6"));
        assert!(contains("fd00::/8", "fd12::1"));
        assert!(!contains("fd00::/8", "10.0.0.1"));
        assert!(contains("0.0.0.0/0", "192.0.2.1"));
        assert!(!contains("0.0.0.0/0", "2001:db8::1"));
        for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0", "10.0.0.0/-1", "proxy.example"] {
            assert!(Network::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn addresses_of_one_household_count_as_one() {
        let counted = |address: &str| counted(address.parse().unwrap());
        assert_eq!(counted("2001:db8:1:2::1"), counted("2001:db8:1:2:ffff::9"));
        assert_ne!(counted("2001:db8:1:2::1"), counted("2001:db8:1:3::1"));
        assert_eq!(counted("::ffff:192.0.2.1"), counted("192.0.2.1"));
        assert_ne!(counted("192.0.2.2"), counted("192.0.2.1"));
    }
}
