//! The token policy: what an acceptable token looks like. No I/O.

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

/// The payload of a token as it is, **not verified**: for showing, never for deciding.
///
/// # Errors
/// Kind `Unauthenticated` when the token cannot be read.
pub fn unverified_payload(token: &str) -> Result<Vec<u8>> {
    Ok(Compact::parse(token)?.payload)
}

/// The `iss` of a token, **not verified**: for finding out whose keys to try.
///
/// # Errors
/// Kind `Unauthenticated` when the token cannot be read or has none.
pub fn unverified_issuer(token: &str) -> Result<String> {
    Ok(ClaimSet::parse(&Compact::parse(token)?.payload)?.issuer()?.to_owned())
}
