//! Requirements on the claims of an access token.

use std::time::Duration;

use super::{FirstUse, KeyThumbprint, VerifiedToken, claims::ClaimSet, header::Header};
use crate::{
    authn::{
        groups::{self, Groups},
        issuer::{IssuerSettings, Profile},
        life::TokenLife,
        refusal::TokenRefusal,
    },
    clock::Timestamp,
};

/// Tolerated difference between the clocks of this server and an identity provider.
pub const LEEWAY: Duration = Duration::from_secs(30);

/// Maximum lifetime of a logout token, and of access tokens of an issuer without a setting.
pub const MAXIMUM_TOKEN_LIFE: Duration = TokenLife::DEFAULT.duration();

/// Claims that only ID tokens have (OpenID Connect Core 1.0, section 3.1.3.6). `nonce` is not one of them: Authentik,
/// and Keycloak before 25, also write it into access tokens.
const ID_TOKEN_CLAIMS: [(&str, &str); 2] = [("at_hash", "has `at_hash`"), ("c_hash", "has `c_hash`")];

/// Claims that Authentik's access tokens have and its ID tokens lack.
const AUTHENTIK_CLAIMS: [(&str, &str); 2] = [("uid", "lacks `uid`"), ("azp", "lacks `azp`")];

/// Validates an access token except for its signature.
pub(crate) fn check_access_token(
    settings: &IssuerSettings,
    header: &Header,
    claims: &ClaimSet,
    key_thumbprint: KeyThumbprint,
    now: Timestamp,
) -> Result<VerifiedToken, TokenRefusal> {
    check_kind(settings.profile, header, claims)?;
    if !settings.urls.iter().any(|url| claims.issuer().is_ok_and(|issuer| issuer == url)) {
        return Err(TokenRefusal::Issuer);
    }
    claims.check_audience(&settings.audiences)?;
    let subject = claims.required_identifier("sub")?;
    let expires_at = claims.required_time("exp")?;
    let issued_at = claims.required_time("iat")?;
    let not_before = claims.time("nbf")?;
    if settings.profile == Profile::Authentik {
        claims.required_identifier("uid")?;
        claims.required_identifier("azp")?;
    }
    check_life(issued_at, expires_at, settings.max_token_life)?;
    check_times(issued_at, expires_at, not_before, now)?;
    let owned = |text: &str| text.to_owned();
    Ok(VerifiedToken {
        issuer_id: settings.id.clone(),
        subject: subject.to_owned(),
        issued_at,
        expires_at,
        not_before,
        tenant: settings.tenant.clone(),
        email: claims.text("email").map(owned),
        name: claims.text("name").or_else(|| claims.text("preferred_username")).map(owned),
        groups: match groups::read(settings, claims) {
            Groups::Are(groups) => Some(groups),
            Groups::Unsaid | Groups::Unreadable => None,
        },
        signed_in_at: claims.signed_in_at(),
        session_id: claims.identifier("sid")?.map(owned),
        token_id: claims.identifier("jti")?.map(owned),
        key_thumbprint,
        first_use: FirstUse::default(),
    })
}

/// Rejects tokens of the right provider that are not access tokens (RFC 8725, section 3.11).
fn check_kind(profile: Profile, header: &Header, claims: &ClaimSet) -> Result<(), TokenRefusal> {
    let media_type = header.media_type.as_deref();
    if media_type == Some("logout+jwt") || claims.has("events") {
        return Err(TokenRefusal::LogoutToken);
    }
    if let Some((_, sign)) = ID_TOKEN_CLAIMS.into_iter().find(|(claim, _)| claims.has(claim)) {
        return Err(TokenRefusal::IdToken(sign));
    }
    // Without `nonce`, it is more likely another provider's access token: report the missing claim.
    if profile == Profile::Authentik
        && claims.has("nonce")
        && let Some((_, sign)) = AUTHENTIK_CLAIMS.into_iter().find(|(claim, _)| !claims.has(claim))
    {
        return Err(TokenRefusal::IdToken(sign));
    }
    check_claimed_type(claims)?;
    match (media_type, profile) {
        (Some("at+jwt"), _) | (None | Some("jwt" | "jose" | "bearer"), Profile::Authentik | Profile::Any) => Ok(()),
        (None | Some("jwt" | "jose" | "bearer"), Profile::Rfc9068) => {
            Err(TokenRefusal::Type("must be `at+jwt`, as the profile `rfc9068` of its issuer requires".into()))
        }
        (Some(_), _) => Err(TokenRefusal::Type("says that it is no access token".into())),
    }
}

/// Checks the claim `typ`, with which Keycloak marks kinds of tokens. Others use it differently or not at all.
fn check_claimed_type(claims: &ClaimSet) -> Result<(), TokenRefusal> {
    match claims.text("typ") {
        Some("ID" | "Serialized-ID") => Err(TokenRefusal::IdToken("says so in its claim `typ`")),
        Some("Logout") => Err(TokenRefusal::LogoutToken),
        Some("Refresh" | "Offline") => Err(TokenRefusal::Type("says, as a claim, that it is a refresh token".into())),
        _ => Ok(()),
    }
}

/// Checks a token's lifetime.
pub(crate) fn check_life(issued_at: Timestamp, expires_at: Timestamp, longest: TokenLife) -> Result<(), TokenRefusal> {
    let life = expires_at.milliseconds().saturating_sub(issued_at.milliseconds());
    let most = i64::try_from(longest.duration().as_millis()).unwrap_or(i64::MAX);
    if (1..=most).contains(&life) { Ok(()) } else { Err(TokenRefusal::Lifetime(longest)) }
}

/// Checks the times of a token against the clock, at first and at each later use.
pub(crate) fn check_times(
    issued_at: Timestamp,
    expires_at: Timestamp,
    not_before: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), TokenRefusal> {
    let latest = now.plus(LEEWAY);
    if now >= expires_at.plus(LEEWAY) {
        Err(TokenRefusal::Expired)
    } else if issued_at > latest {
        Err(TokenRefusal::IssuedInFuture)
    } else if not_before.is_some_and(|start| start > latest) {
        Err(TokenRefusal::NotYetValid)
    } else {
        Ok(())
    }
}
