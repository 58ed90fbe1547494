//! Reasons for refusing a token, each with a stable code and a message that says what to change. [`Code`] says where each
//! reason comes from.

use std::{borrow::Cow, time::Duration};

use super::life::TokenLife;
use crate::error::{Code, Error};

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
    pub const fn code(&self) -> Code {
        match self {
            Self::Missing => Code::TOKEN_MISSING,
            Self::Malformed(_) => Code::TOKEN_MALFORMED,
            Self::Encoding(_) => Code::TOKEN_ENCODING,
            Self::Json(_) => Code::TOKEN_JSON,
            Self::DuplicateMember(_) => Code::TOKEN_DUPLICATE_MEMBER,
            Self::Depth(_) => Code::TOKEN_DEPTH,
            Self::TooLarge => Code::TOKEN_TOO_LARGE,
            Self::Encrypted => Code::TOKEN_ENCRYPTED,
            Self::Algorithm(_) => Code::TOKEN_ALGORITHM,
            Self::Header(_) => Code::TOKEN_HEADER,
            Self::CriticalHeader(_) => Code::TOKEN_HEADER_CRITICAL,
            Self::EmbeddedKey(_) => Code::TOKEN_HEADER_KEY,
            Self::Type(_) => Code::TOKEN_TYPE,
            Self::Issuer => Code::TOKEN_ISSUER,
            Self::KeyUnknown { .. } => Code::TOKEN_KEY_UNKNOWN,
            Self::KeyUnfit(KeyFault::Algorithm) => Code::TOKEN_KEY_UNFIT,
            Self::KeyUnfit(KeyFault::Purpose) => Code::TOKEN_KEY_PURPOSE,
            Self::KeyUnfit(KeyFault::Size) => Code::TOKEN_KEY_SIZE,
            Self::KeyUnfit(KeyFault::Weak) => Code::TOKEN_KEY_WEAK,
            Self::KeyAmbiguous => Code::TOKEN_KEY_AMBIGUOUS,
            Self::Signature => Code::TOKEN_SIGNATURE,
            Self::IdToken(_) => Code::TOKEN_IS_ID_TOKEN,
            Self::LogoutToken => Code::TOKEN_IS_LOGOUT_TOKEN,
            Self::NotLogoutToken(_) => Code::TOKEN_IS_NOT_LOGOUT_TOKEN,
            Self::ClaimMissing(_) => Code::TOKEN_CLAIM_MISSING,
            Self::ClaimInvalid(..) => Code::TOKEN_CLAIM_INVALID,
            Self::Audience => Code::TOKEN_AUDIENCE,
            Self::Expired => Code::TOKEN_EXPIRED,
            Self::NotYetValid => Code::TOKEN_NOT_YET_VALID,
            Self::IssuedInFuture => Code::TOKEN_ISSUED_IN_FUTURE,
            Self::Lifetime(_) => Code::TOKEN_LIFETIME,
        }
    }
}

impl From<TokenRefusal> for Error {
    fn from(refusal: TokenRefusal) -> Self {
        let error = Self::new(refusal.code(), refusal.to_string());
        match refusal {
            TokenRefusal::KeyUnknown { retry_after: Some(wait) } => error.with_retry_after(wait),
            _ => error,
        }
    }
}
