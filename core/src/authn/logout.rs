//! Back-channel logout tokens (OpenID Connect Back-Channel Logout 1.0).

use serde_json::Value;

use super::{
    issuer::IssuerSettings,
    life::TokenLife,
    refusal::TokenRefusal,
    token::{ClaimSet, Header, LEEWAY, MAXIMUM_TOKEN_LIFE, check_life, check_times},
};
use crate::clock::Timestamp;

/// The member of `events` that makes a token a logout token.
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What a validated logout token asks for. At least one of subject and session is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutRequest {
    /// The stable `id` of the configured issuer.
    pub issuer_id: String,
    /// `sub`: whose sessions end; with a session id, whose session it is.
    pub subject: Option<String>,
    /// `sid`: the session that ends. Without it all sessions of the subject end.
    pub session_id: Option<String>,
    /// `iat`: without a session id, tokens issued until then are refused from now on.
    pub issued_at: Timestamp,
    /// Until when the logout token is accepted, leeway included; its `jti` must be remembered until then.
    pub accepted_until: Timestamp,
    /// `jti`: a logout token counts once.
    pub token_id: String,
}

/// Checks everything about a logout token but its signature (section 2.6 of the specification).
///
/// `exp` may be missing, as it may in earlier drafts and in Authentik; the token is then accepted for 24 hours. It lives no
/// longer than that where access tokens may: it is sent at once, and not kept.
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
