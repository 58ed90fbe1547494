//! Results of verification.

use std::{
    fmt,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::clock::Timestamp;

/// A token with a valid signature and valid claims. It identifies the caller and grants no right.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedToken {
    /// Stable `id` of the configured issuer.
    pub issuer_id: String,
    /// `sub`: 1 to 255 bytes without control characters.
    pub subject: String,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
    /// `nbf`.
    pub not_before: Option<Timestamp>,
    /// Slug of the tenant to which the issuer is bound. The token is valid in that tenant only.
    pub tenant: Option<String>,
    /// `email`, if present and not empty. Its ownership is not proven.
    pub email: Option<String>,
    /// `name`, else `preferred_username`, if present and not empty.
    pub name: Option<String>,
    /// Groups claim, for the claims sync only; `None` when it makes no statement or groups are ignored.
    pub groups: Option<Vec<String>>,
    /// `auth_time`: the time of sign-in, unchanged when a token is refreshed.
    pub signed_in_at: Option<Timestamp>,
    /// `sid`: the session at the identity provider, for back-channel logout.
    pub session_id: Option<String>,
    /// `jti`.
    pub token_id: Option<String>,
    /// Key that signed it.
    pub key_thumbprint: KeyThumbprint,
    /// Record of earlier use.
    pub first_use: FirstUse,
}

/// Marker that the first use of a token was handled: what the token revokes is revoked in the store.
///
/// It saves work and decides nothing. A copy of a token starts unused, and tokens compare equal whatever their markers.
#[derive(Debug, Default)]
pub struct FirstUse(AtomicU64);

impl FirstUse {
    /// Returns whether the service with this number has handled it.
    pub(crate) fn is_seen_to_by(&self, service: u64) -> bool {
        self.0.load(Ordering::Acquire) == service
    }

    /// Marks it as handled by the service with this number, which is not zero.
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
    /// Omits the personal claims, which do not belong in logs.
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

/// SHA-256 thumbprint of a public key (RFC 7638).
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

/// Error for a text that is no thumbprint.
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
