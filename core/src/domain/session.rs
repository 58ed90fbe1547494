//! Sessions at the identity provider.
//!
//! Recorded are those that it has ended (OpenID Connect Back-Channel Logout 1.0), and those whose age is only known
//! from having seen them.

use dezky_derive::{Stored, entity};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::EndedSessionId;
use crate::{
    clock::Timestamp,
    store::{Guest, Scope},
};

/// The subject matter of a session record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Stored)]
#[serde(rename_all = "camelCase")]
pub enum EndedSessionKind {
    /// An ended session: tokens with its `sid` are refused.
    Session,
    /// All sessions of a subject were ended: tokens of sign-ins until `issuedUntil` are refused.
    Subject,
    /// A session that was seen but not ended, whose tokens do not contain the time of the sign-in.
    Seen,
    /// A used logout token, whose `jti` is accepted once.
    LogoutToken,
}

/// A record of what a logout token has ended, or of a session that was seen.
///
/// Identifiers are hashed, so that the record of somebody who never came here does not identify them to anybody who
/// does not know them already.
#[entity(
    /// The collection of ended sessions.
    collection ENDED_SESSIONS = "ended_sessions",
    scope = Scope::Platform,
    guest = Guest::OwnKeys,
    keys = Self::keys,
    /// Records by expiry.
    index ENDED_SESSIONS_BY_EXPIRY = by_expiry(expires_at),
)]
#[derive(Debug)]
pub struct EndedSession {
    /// Its id.
    pub id: EndedSessionId,
    /// Its version.
    pub version: u64,
    /// The kind of record.
    pub kind: EndedSessionKind,
    /// Hash of the issuer's id and the provider's identifier.
    #[field(impersonal)]
    pub key: String,
    /// For a subject: tokens issued until then are refused, and so are those of sign-ins until then.
    pub issued_until: Option<Timestamp>,
    /// For a seen session: issue time of the first of its tokens that was seen.
    pub issued_from: Option<Timestamp>,
    /// Time after which no token that it concerns is accepted, so that it is removed.
    pub expires_at: Timestamp,
}

impl EndedSession {
    /// Returns the unique key of a record about the issuer's identifier `name`.
    #[must_use]
    pub fn unique_key(kind: EndedSessionKind, issuer_id: &str, name: &str) -> String {
        Self::key_of(kind, &Self::hash(issuer_id, name))
    }

    /// Returns the hash of an issuer's identifier.
    #[must_use]
    pub fn hash(issuer_id: &str, name: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(issuer_id.as_bytes());
        // An issuer's id has no line break, so different pairs never give the same bytes.
        hash.update(b"\n");
        hash.update(name.as_bytes());
        hex::encode(hash.finalize())
    }

    fn key_of(kind: EndedSessionKind, hash: &str) -> String {
        let name = match kind {
            EndedSessionKind::Session => "session",
            EndedSessionKind::Subject => "subject",
            EndedSessionKind::Seen => "seen",
            EndedSessionKind::LogoutToken => "token",
        };
        format!("{name}:{hash}")
    }

    fn keys(&self) -> Vec<String> {
        vec![Self::key_of(self.kind, &self.key)]
    }
}
