//! Verification of tokens against keys that are at hand: without sockets, memory or clock of its own.

use std::sync::Arc;

use super::{
    issuer::IssuerSettings,
    keys::{Key, KeySet},
    refusal::TokenRefusal,
    token::{ClaimSet, Compact, KeyThumbprint, VerifiedToken, check_access_token},
};
use crate::{clock::Timestamp, error::Result};

/// Verifies nothing but the signature of a token, and returns its payload as it is. The payload need not be JSON.
///
/// # Errors
/// Kind `Unauthenticated` with the code of the [`TokenRefusal`].
pub fn verify_signature(token: &str, keys: &KeySet) -> Result<Vec<u8>> {
    let compact = Compact::parse(token)?;
    let candidates = keys.select(compact.header.key_id.as_deref(), compact.header.algorithm)?;
    check_signature(&candidates, &compact)?;
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
    let candidates = keys.select(compact.header.key_id.as_deref(), compact.header.algorithm)?;
    let key = check_signature(&candidates, &compact)?;
    Ok(check_access_token(settings, &compact.header, &claims, key, now)?)
}

/// Checks a signature with the keys that fit; the one with which it holds.
pub(crate) fn check_signature(candidates: &[Arc<Key>], compact: &Compact<'_>) -> Result<KeyThumbprint, TokenRefusal> {
    let signed = |key: &&Arc<Key>| key.verifies(compact.header.algorithm, compact.signing_input, &compact.signature);
    candidates.iter().find(signed).map(|key| key.thumbprint).ok_or(TokenRefusal::Signature)
}
