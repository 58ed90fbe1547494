//! Token policy: requirements on an acceptable token. No I/O.

mod algorithm;
mod claims;
mod compact;
mod header;
mod json;
mod policy;
mod verified;

pub use algorithm::{Algorithm, KeyFamily};
pub(crate) use claims::ClaimSet;
pub(crate) use compact::Compact;
pub use compact::MAXIMUM_TOKEN_SIZE;
pub(crate) use header::Header;
pub use policy::{LEEWAY, MAXIMUM_TOKEN_LIFE};
pub(crate) use policy::{check_life, check_times};
pub use verified::{FirstUse, KeyThumbprint, ParseThumbprintError, VerifiedToken};
#[cfg(feature = "authn")]
pub(crate) use {json::parse_object, policy::check_access_token};

use crate::error::Result;

/// Returns the raw payload of a token, **not verified**, for display and never for decisions.
///
/// # Errors
/// Kind `Unauthenticated` when the token cannot be parsed.
pub fn unverified_payload(token: &str) -> Result<Vec<u8>> {
    Ok(Compact::parse(token)?.payload)
}

/// Returns the `iss` of a token, **not verified**, to select the keys to try.
///
/// # Errors
/// Kind `Unauthenticated` when the token cannot be parsed or lacks `iss`.
pub fn unverified_issuer(token: &str) -> Result<String> {
    Ok(ClaimSet::parse(&Compact::parse(token)?.payload)?.issuer()?.to_owned())
}
