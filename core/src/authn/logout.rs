//! Back-channel logout tokens (OpenID Connect Back-Channel Logout 1.0).

use serde_json::Value;

use super::{
    issuer::IssuerSettings,
    life::TokenLife,
    refusal::TokenRefusal,
    token::{ClaimSet, Header, LEEWAY, MAXIMUM_TOKEN_LIFE, check_life, check_times},
};
use crate::clock::Timestamp;

/// Member of `events` that marks a logout token.
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Request of a validated logout token. It has a subject, a session or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutRequest {
    /// Stable `id` of the configured issuer.
    pub issuer_id: String,
    /// `sub`: the subject whose sessions end, or the owner of the named session.
    pub subject: Option<String>,
    /// `sid`: the session to end. Without it, all sessions of the subject end.
    pub session_id: Option<String>,
    /// `iat`: without a session id, tokens issued up to this time are refused.
    pub issued_at: Timestamp,
    /// Expiry of the logout token, leeway included. Its `jti` must be remembered until then.
    pub accepted_until: Timestamp,
    /// `jti`, which makes a logout token usable once.
    pub token_id: String,
}

/// Validates a logout token except for its signature (section 2.6 of the specification).
///
/// `exp` is optional, as in earlier drafts and in Authentik; without it the token is accepted for 24 hours. That is
/// also the maximum lifetime, even where access tokens may live longer: logout tokens are sent at once and not stored.
pub(crate) fn check_logout_token(
    settings: &IssuerSettings,
    header: &Header,
    claims: &ClaimSet,
    now: Timestamp,
) -> Result<LogoutRequest, TokenRefusal> {
    if !matches!(header.media_type.as_deref(), None | Some("jwt" | "jose" | "logout+jwt")) {
        return Err(TokenRefusal::Type("says that it is no logout token".into()));
    }
    let event = claims.get("events").and_then(|events| events.get(LOGOUT_EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err(TokenRefusal::NotLogoutToken("`events` lacks the back-channel logout event"));
    }
    if claims.has("nonce") {
        return Err(TokenRefusal::NotLogoutToken("it has a `nonce`"));
    }
    if !settings.urls.iter().any(|url| claims.issuer().is_ok_and(|issuer| issuer == url)) {
        return Err(TokenRefusal::Issuer);
    }
    claims.check_audience(&settings.audiences)?;
    let token_id = claims.required_identifier("jti")?.to_owned();
    let issued_at = claims.required_time("iat")?;
    let expires_at = claims.time("exp")?.unwrap_or_else(|| issued_at.plus(MAXIMUM_TOKEN_LIFE));
    check_life(issued_at, expires_at, TokenLife::DEFAULT)?;
    check_times(issued_at, expires_at, claims.time("nbf")?, now)?;
    let subject = claims.identifier("sub")?.map(str::to_owned);
    let session_id = claims.identifier("sid")?.map(str::to_owned);
    if subject.is_none() && session_id.is_none() {
        return Err(TokenRefusal::ClaimMissing("sub"));
    }
    Ok(LogoutRequest {
        issuer_id: settings.id.clone(),
        subject,
        session_id,
        issued_at,
        accepted_until: expires_at.plus(LEEWAY),
        token_id,
    })
}
