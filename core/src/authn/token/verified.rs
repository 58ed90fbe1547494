//! What is known once a token is verified.

use std::{
    fmt,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::clock::Timestamp;

/// A token whose signature and claims hold. It says who is calling and nothing about what they may do.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedToken {
    /// The stable `id` of the configured issuer.
    pub issuer_id: String,
    /// `sub`: 1 to 255 bytes without control characters.
    pub subject: String,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
    /// `nbf`.
    pub not_before: Option<Timestamp>,
    /// Slug of the tenant to which the issuer is bound, if it is: the token counts in that tenant alone.
    pub tenant: Option<String>,
    /// `email`, if it is there and not empty. Whether it belongs to the person is not known.
    pub email: Option<String>,
    /// `name`, else `preferred_username`, if there and not empty.
    pub name: Option<String>,
    /// The claim of groups; none when it says nothing, or when the issuer's groups are ignored. For the claims sync alone.
    pub groups: Option<Vec<String>>,
    /// `auth_time`: when the person signed in, which stays the same when a token is refreshed.
    pub signed_in_at: Option<Timestamp>,
    /// `sid`: the session at the identity provider, for back-channel logout.
    pub session_id: Option<String>,
    /// `jti`.
    pub token_id: Option<String>,
    /// The key that signed it.
    pub key_thumbprint: KeyThumbprint,
    /// Whether it was used before.
    pub first_use: FirstUse,
}

/// Remembers that the first use of a token is seen to: what it takes away is taken, in the store. Spares work and decides nothing.
///
/// A copy of a token is one that was never used, and two tokens are equal whichever of them was.
#[derive(Debug, Default)]
pub struct FirstUse(AtomicU64);

impl FirstUse {
    /// Whether the service of this number has seen to it.
    pub(crate) fn is_seen_to_by(&self, service: u64) -> bool {
        self.0.load(Ordering::Acquire) == service
    }

    /// The service of this number, which is not zero, has seen to it.
    pub(crate) fn seen_to_by(&self, service: u64) {
        self.0.store(service, Ordering::Release);
    }
}

impl Clone for FirstUse {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for FirstUse {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for FirstUse {}

impl fmt::Debug for VerifiedToken {
    /// Without the personal claims, which do not belong in logs.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("VerifiedToken")
            .field("issuer_id", &self.issuer_id)
            .field("subject", &self.subject)
            .field("issued_at", &self.issued_at)
            .field("expires_at", &self.expires_at)
            .field("tenant", &self.tenant)
            .field("key_thumbprint", &self.key_thumbprint)
            .finish_non_exhaustive()
    }
}

/// The SHA-256 thumbprint of a public key (RFC 7638).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyThumbprint(pub [u8; 32]);

impl fmt::Display for KeyThumbprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for KeyThumbprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

/// A text that is no thumbprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a thumbprint is 43 characters of base64url")]
pub struct ParseThumbprintError;

impl FromStr for KeyThumbprint {
    type Err = ParseThumbprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| ParseThumbprintError)?;
        bytes.try_into().map(Self).map_err(|_| ParseThumbprintError)
    }
}
