//! Reasons for refusing a token, each with a stable code and a message that says what to change.
//!
//! | code | reason |
//! |---|---|
//! | `token_missing` | the request carries no bearer token |
//! | `token_malformed` | not three segments separated by dots, or a header that is not a single bearer token |
//! | `token_encoding` | a segment is not unpadded canonical base64url (RFC 7515 §2, RFC 4648 §3.5) |
//! | `token_json` | header or claims are not a JSON object: syntax, encoding, lone surrogates, numbers out of range (RFC 8259) |
//! | `token_duplicate_member` | a member occurs twice, at any depth (RFC 7515 §4, RFC 7519 §4) |
//! | `token_depth` | objects and arrays are nested more than 16 deep |
//! | `token_too_large` | more than 16 KiB; not parsed |
//! | `token_encrypted` | five segments: a JWE |
//! | `token_algorithm` | `alg` is missing, `none`, symmetric or not supported |
//! | `token_header` | a header parameter has the wrong type |
//! | `token_header_critical` | `crit`, or an unencoded payload (`b64`): no extension is supported (RFC 7515 §4.1.11, RFC 7797) |
//! | `token_header_key` | the header carries a key or its address: `jwk`, `jku`, `x5c`, `x5u` (RFC 8725 §3.10) |
//! | `token_type` | `typ` names another kind of token, or lacks what the issuer's profile requires |
//! | `token_issuer` | `iss` is not among the configured issuers |
//! | `token_key_unknown` | the issuer has no such key; sent with `Retry-After` during the refetch cooldown |
//! | `token_key_unfit` | the issuer's key does not match the algorithm, or is not usable at all |
//! | `token_key_purpose` | the issuer publishes the key for another purpose: `use`, `key_ops` (RFC 7517 §4.2, §4.3) |
//! | `token_key_size` | the issuer's RSA key has less than 2048 or more than 8192 bits (RFC 7518 §3.3) |
//! | `token_key_weak` | the issuer's RSA key is factorable (ROCA, CVE-2017-15361) |
//! | `token_key_ambiguous` | more keys of the issuer match than are tried |
//! | `token_signature` | the signature is invalid |
//! | `token_is_id_token` | an ID token (`at_hash`, `c_hash`; `nonce` where Authentik's `uid` or `azp` is missing; Keycloak's claim `typ`) |
//! | `token_is_logout_token` | a logout token (`events`, `typ: logout+jwt`) |
//! | `token_is_not_logout_token` | a logout token is expected, but `events` is missing or `nonce` is present |
//! | `token_claim_missing` | a required claim is missing |
//! | `token_claim_invalid` | a claim has the wrong type or form |
//! | `token_audience` | none of the issuer's audiences is in `aud` |
//! | `token_expired` | `exp` has passed |
//! | `token_not_yet_valid` | `nbf` is in the future |
//! | `token_issued_in_future` | `iat` is in the future |
//! | `token_lifetime` | the lifetime exceeds the issuer's `max_token_life` (default 24 hours, maximum 7 days), or is negative |
//! | `issuer_unavailable` | no refusal: no key of the issuer is known and it does not respond (kind `Unavailable`) |

use std::{borrow::Cow, time::Duration};

use super::life::TokenLife;
use crate::error::{Error, ErrorKind};

/// Reasons for not using an issuer's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// The key does not match the token's algorithm, or has an unsupported type.
    #[error("is not for its `alg`")]
    Algorithm,
    /// `use` or `key_ops` excludes signatures.
    #[error("is not published for signatures: `use` must be `sig`, and `key_ops` have `verify`")]
    Purpose,
    /// An RSA key whose private key can be computed.
    #[error("is an RSA key that can be broken (ROCA, CVE-2017-15361): replace it at the identity provider")]
    Weak,
    /// An RSA key that is too small or too large.
    #[error("is an RSA key of less than 2048 or more than 8192 bits: replace it at the identity provider")]
    Size,
}

/// Reasons for refusing a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenRefusal {
    /// No token is present.
    #[error("send an access token in the `Authorization` header as `Bearer TOKEN`")]
    Missing,
    /// The text is not a token; the message says why.
    #[error("the token cannot be read: {0}")]
    Malformed(Cow<'static, str>),
    /// The named segment is not valid base64url.
    #[error("the token cannot be read: its {0} is not unpadded canonical base64url")]
    Encoding(&'static str),
    /// Header or claims are not a JSON object.
    #[error("the token cannot be read: {0}")]
    Json(Cow<'static, str>),
    /// Header or claims contain a member twice.
    #[error("the token cannot be read: its {0} hold a member twice")]
    DuplicateMember(&'static str),
    /// Header or claims are nested too deeply.
    #[error("the token cannot be read: its {0} are nested more than 16 deep")]
    Depth(&'static str),
    /// The token is larger than 16 KiB.
    #[error("the token is larger than 16 KiB; leave claims out at the identity provider")]
    TooLarge,
    /// The token is a JWE.
    #[error("the token is encrypted; switch encryption of access tokens off at the identity provider")]
    Encrypted,
    /// The algorithm is not accepted.
    #[error(
        "the token's `alg` {0}; sign with RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA or Ed25519"
    )]
    Algorithm(Cow<'static, str>),
    /// A header parameter is not accepted.
    #[error("the token's header {0}")]
    Header(Cow<'static, str>),
    /// The header requires an extension.
    #[error("the token's header has `{0}`, and no extension is understood here")]
    CriticalHeader(&'static str),
    /// The header carries a key.
    #[error("the token's header has `{0}`: a token may not bring its own key")]
    EmbeddedKey(&'static str),
    /// `typ` names something other than an access token.
    #[error("the token's `typ` {0}")]
    Type(Cow<'static, str>),
    /// The issuer is not configured.
    #[error("the token's `iss` is no configured issuer; it must match exactly, trailing slash included")]
    Issuer,
    /// The issuer has no such key.
    #[error("the token is signed with a key that its issuer does not publish")]
    KeyUnknown {
        /// Remaining time until the issuer's keys may be fetched again, if a cooldown is running.
        retry_after: Option<Duration>,
    },
    /// The issuer's key is not usable for this token.
    #[error("the issuer's key with the token's `kid` {0}")]
    KeyUnfit(KeyFault),
    /// More keys match than are tried.
    #[error("too many keys of the issuer fit the token; give each its own `kid` and put it into the header")]
    KeyAmbiguous,
    /// The signature is wrong.
    #[error("the token's signature does not fit its issuer's key")]
    Signature,
    /// The token is an ID token.
    #[error("this is an ID token (it {0}); send the access token")]
    IdToken(&'static str),
    /// The token is a logout token.
    #[error("this is a logout token; send the access token")]
    LogoutToken,
    /// The token is not a logout token.
    #[error("this is no logout token: {0}")]
    NotLogoutToken(&'static str),
    /// A required claim is missing.
    #[error("the token lacks the claim `{0}`")]
    ClaimMissing(&'static str),
    /// A claim has the wrong form.
    #[error("the token's claim `{0}` must be {1}")]
    ClaimInvalid(&'static str, &'static str),
    /// The token is meant for another audience.
    #[error("the token's `aud` does not name this platform; request it for the configured audience")]
    Audience,
    /// The token has expired.
    #[error("the token has expired; sign in again or refresh it")]
    Expired,
    /// The token is not valid yet.
    #[error("the token is not valid yet (`nbf`); compare the clocks of this server and the identity provider")]
    NotYetValid,
    /// The token was issued in the future.
    #[error("the token was issued in the future (`iat`); compare the clocks of this server and the identity provider")]
    IssuedInFuture,
    /// The lifetime exceeds this limit, or is negative.
    #[error(
        "the token must live more than nothing and at most {0} from `iat` to `exp`; shorten it at the identity provider, or set \
         `max_token_life` of its issuer, 7 days at most"
    )]
    Lifetime(TokenLife),
}

impl TokenRefusal {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "token_missing",
            Self::Malformed(_) => "token_malformed",
            Self::Encoding(_) => "token_encoding",
            Self::Json(_) => "token_json",
            Self::DuplicateMember(_) => "token_duplicate_member",
            Self::Depth(_) => "token_depth",
            Self::TooLarge => "token_too_large",
            Self::Encrypted => "token_encrypted",
            Self::Algorithm(_) => "token_algorithm",
            Self::Header(_) => "token_header",
            Self::CriticalHeader(_) => "token_header_critical",
            Self::EmbeddedKey(_) => "token_header_key",
            Self::Type(_) => "token_type",
            Self::Issuer => "token_issuer",
            Self::KeyUnknown { .. } => "token_key_unknown",
            Self::KeyUnfit(KeyFault::Algorithm) => "token_key_unfit",
            Self::KeyUnfit(KeyFault::Purpose) => "token_key_purpose",
            Self::KeyUnfit(KeyFault::Size) => "token_key_size",
            Self::KeyUnfit(KeyFault::Weak) => "token_key_weak",
            Self::KeyAmbiguous => "token_key_ambiguous",
            Self::Signature => "token_signature",
            Self::IdToken(_) => "token_is_id_token",
            Self::LogoutToken => "token_is_logout_token",
            Self::NotLogoutToken(_) => "token_is_not_logout_token",
            Self::ClaimMissing(_) => "token_claim_missing",
            Self::ClaimInvalid(..) => "token_claim_invalid",
            Self::Audience => "token_audience",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
            Self::IssuedInFuture => "token_issued_in_future",
            Self::Lifetime(_) => "token_lifetime",
        }
    }
}

impl From<TokenRefusal> for Error {
    fn from(refusal: TokenRefusal) -> Self {
        let error = Self::new(ErrorKind::Unauthenticated, refusal.code(), refusal.to_string());
        match refusal {
            TokenRefusal::KeyUnknown { retry_after: Some(wait) } => error.with_retry_after(wait),
            _ => error,
        }
    }
}
