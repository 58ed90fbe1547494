//! Verification of tokens against keys that are at hand: without sockets, memory or clock of its own.

use super::{
    issuer::IssuerSettings,
    keys::{Key, KeySet},
    refusal::TokenRefusal,
    token::{ClaimSet, Compact, VerifiedToken, check_access_token},
};
use crate::{clock::Timestamp, error::Result};

/// Verifies nothing but the signature of a token, and returns its payload as it is. The payload need not be JSON.
///
/// # Errors
/// Kind `Unauthenticated` with the code of the [`TokenRefusal`].
pub fn verify_signature(token: &str, keys: &KeySet) -> Result<Vec<u8>> {
    let compact = Compact::parse(token)?;
    let key = keys.select(compact.header.key_id.as_deref(), compact.header.algorithm)?;
    check_signature(key, &compact)?;
    Ok(compact.payload)
}

/// Verifies an access token of one issuer against a key set that is at hand.
///
/// # Errors
/// Kind `Unauthenticated` with the code of the [`TokenRefusal`].
pub fn verify_with(settings: &IssuerSettings, keys: &KeySet, now: Timestamp, token: &str) -> Result<VerifiedToken> {
    let compact = Compact::parse(token)?;
    let claims = ClaimSet::parse(&compact.payload)?;
    if !settings.urls.iter().any(|url| claims.issuer().is_ok_and(|issuer| issuer == url)) {
        claims.issuer()?;
        return Err(TokenRefusal::Issuer.into());
    }
    let key = keys.select(compact.header.key_id.as_deref(), compact.header.algorithm)?;
    check_signature(key, &compact)?;
    Ok(check_access_token(settings, &compact.header, &claims, key.thumbprint, now)?)
}

/// Checks a signature with a key that fits.
pub(crate) fn check_signature(key: &Key, compact: &Compact<'_>) -> Result<(), TokenRefusal> {
    if key.verifies(compact.header.algorithm, compact.signing_input, &compact.signature) {
        Ok(())
    } else {
        Err(TokenRefusal::Signature)
    }
}
