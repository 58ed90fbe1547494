//! Sessions at the identity provider: those that it has ended (OpenID Connect Back-Channel Logout 1.0), and those that were
//! seen of which only that tells how old they are.

use dezky_derive::{Stored, entity};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::EndedSessionId;
use crate::{
    clock::Timestamp,
    store::{Guest, Scope},
};

/// What a record says has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Stored)]
#[serde(rename_all = "camelCase")]
pub enum EndedSessionKind {
    /// One session: tokens with its `sid` are refused.
    Session,
    /// All sessions of a subject: tokens of sign-ins until `issuedUntil` are refused.
    Subject,
    /// Nothing yet: a session was seen, whose tokens do not say when its person signed in.
    Seen,
    /// A logout token was used: its `jti` counts once.
    LogoutToken,
}

/// A record of what a logout token has ended, or of a session that was seen. Identifiers are kept as hashes: whose they are shows only to who knows
/// them already, so that the record of somebody who never came here names nobody.
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
    /// What has ended.
    pub kind: EndedSessionKind,
    /// Hash of the issuer's id and of what the provider calls it.
    #[field(impersonal)]
    pub key: String,
    /// Of a subject: tokens issued then or before are refused, and so are those of sign-ins of then or before.
    pub issued_until: Option<Timestamp>,
    /// Of a session that was seen: when the first token of it was issued that came here.
    pub issued_from: Option<Timestamp>,
    /// When no token that it concerns is accepted any more, so that it is forgotten.
    pub expires_at: Timestamp,
}

impl EndedSession {
    /// The unique key of a record about what an issuer calls `name`.
    #[must_use]
    pub fn unique_key(kind: EndedSessionKind, issuer_id: &str, name: &str) -> String {
        Self::key_of(kind, &Self::hash(issuer_id, name))
    }

    /// The hash under which what an issuer calls `name` is kept.
    #[must_use]
    pub fn hash(issuer_id: &str, name: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(issuer_id.as_bytes());
        // An issuer's id has no line break, so that no two pairs are hashed alike.
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
