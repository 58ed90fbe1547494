//! Verification of tokens against given keys, without sockets, memory or a clock.

use std::sync::Arc;

use super::{
    issuer::IssuerSettings,
    keys::{Key, KeySet},
    refusal::TokenRefusal,
    token::{ClaimSet, Compact, KeyThumbprint, VerifiedToken, check_access_token},
};
use crate::{clock::Timestamp, error::Result};

/// Verifies only the signature of a token and returns its raw payload, which need not be JSON.
///
/// # Errors
/// Kind `Unauthenticated` with the code of the [`TokenRefusal`].
pub fn verify_signature(token: &str, keys: &KeySet) -> Result<Vec<u8>> {
    let compact = Compact::parse(token)?;
    let candidates = keys.select(compact.header.key_id.as_deref(), compact.header.algorithm)?;
    check_signature(&candidates, &compact)?;
    Ok(compact.payload)
}

/// Verifies an access token of one issuer against a given key set.
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

/// Checks a signature with the matching keys and returns the one that verifies it.
pub(crate) fn check_signature(candidates: &[Arc<Key>], compact: &Compact<'_>) -> Result<KeyThumbprint, TokenRefusal> {
    let signed = |key: &&Arc<Key>| key.verifies(compact.header.algorithm, compact.signing_input, &compact.signature);
    candidates.iter().find(signed).map(|key| key.thumbprint).ok_or(TokenRefusal::Signature)
}
