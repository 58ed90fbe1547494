//! E-mail addresses.

use std::str::FromStr;

use email_address::EmailAddress;
use serde_json::Value;

use super::{domain_name, invisible::misplaced};
use crate::{domain::input::Problem, error::FieldCode};

/// Reads an e-mail address: `local@domain` by RFC 5321 §4.1.2 and RFC 6531.
///
/// It has at most 254 characters and no quoted local part, comment or address literal. The domain is returned in
/// lower-case ASCII, the local part unchanged.
///
/// # Errors
/// A [`Problem`] that tells what to change.
pub fn email(value: &Value) -> Result<String, Problem> {
    let given = value.as_str().ok_or_else(|| Problem::new(FieldCode::WRONG_TYPE, "must be a text"))?;
    parse(given.trim())
        .ok_or_else(|| Problem::new(FieldCode::INVALID_EMAIL, "must be an e-mail address such as `anna@example.eu`"))
}

/// Returns the canonical form of an address, or `None` if it is not valid.
#[must_use]
pub fn parse(given: &str) -> Option<String> {
    if given.len() > 254 || given.chars().any(char::is_whitespace) || misplaced(given).is_some() {
        return None;
    }
    let address = EmailAddress::from_str(domain_name::without_root(given)).ok()?;
    let local = address.local_part();
    if local.starts_with('"') {
        return None;
    }
    let domain = domain_name::normalise(address.domain())?;
    Some(format!("{local}@{domain}")).filter(|canonical| canonical.len() <= 254)
}

/// Returns the stored form of an incomplete address.
pub(crate) fn beginning(given: &str) -> String {
    let given = given.trim();
    match given.rsplit_once('@') {
        Some((local, domain)) if !domain.is_empty() => format!("{local}@{}", domain_name::beginning(domain)),
        _ => given.to_owned(),
    }
}

/// Returns the address with its domain in its own script, if that differs.
#[must_use]
pub fn readable(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    domain_name::readable(domain).map(|domain| format!("{local}@{domain}"))
}
