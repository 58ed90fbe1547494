//! Domain names in the form of the DNS.

use idna::{AsciiDenyList, uts46};
use serde_json::Value;

use crate::domain::input::Problem;

/// A registrable host name, in lower-case ASCII (A-labels for names in other scripts).
///
/// Processed as UTS 46 says, non-transitionally and with the STD3 rules, at most 253 characters and at least two labels
/// (RFC 1035 §2.3.4); a top-level label of digits only would be an address (RFC 3696 §2).
///
/// # Errors
/// A [`Problem`] telling what to change.
pub fn domain_name(value: &Value) -> Result<String, Problem> {
    let given = value.as_str().ok_or_else(|| Problem::new("wrong_type", "must be a text"))?;
    normalise(given).ok_or_else(|| {
        Problem::new("invalid_domain", "must be a domain name such as `example.eu`, without scheme, path or port")
    })
}

/// The ASCII form of a domain name, or none when it is not one.
#[must_use]
pub fn normalise(given: &str) -> Option<String> {
    if given.is_empty() || given.len() > 1_000 {
        return None;
    }
    let ascii = uts46::Uts46::new()
        .to_ascii(given.as_bytes(), AsciiDenyList::STD3, uts46::Hyphens::CheckFirstLast, uts46::DnsLength::Verify)
        .ok()?
        .into_owned();
    let (_, top) = ascii.rsplit_once('.')?;
    (!top.is_empty() && !top.bytes().all(|byte| byte.is_ascii_digit())).then_some(ascii)
}
