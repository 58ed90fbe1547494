//! Networks: addresses with a common prefix.

use std::net::IpAddr;

use serde_json::Value;

use crate::{domain::input::Problem, error::FieldCode};

/// Addresses with a common prefix: a machine, or a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: u128,
    /// Length of the prefix, out of 128 bits.
    bits: u32,
}

impl Network {
    /// Parses an address or a network such as `10.0.0.0/8`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let length = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(length);
        (bits <= length).then(|| Self { address: number(address), bits: bits + (128 - length) })
    }

    /// Returns `true` if the network contains an address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let different = number(address.to_canonical()) ^ self.address;
        different.leading_zeros() >= self.bits
    }
}

/// Maps IPv4 addresses into IPv6 (RFC 4291 §2.5.5.2).
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
    .to_bits()
}

/// Reads an address or a network, such as `192.0.2.7` or `2001:db8::/32`.
///
/// # Errors
/// A [`Problem`] that tells the format.
pub fn network(value: &Value) -> Result<String, Problem> {
    let given = value.as_str().ok_or_else(|| Problem::new(FieldCode::WRONG_TYPE, "must be a text"))?.trim();
    match Network::parse(given) {
        Some(_) => Ok(given.to_ascii_lowercase()),
        None => Err(Problem::new(
            FieldCode::INVALID_FORMAT,
            "must be an address or a network, such as `192.0.2.7` or `2001:db8::/32`",
        )),
    }
}
