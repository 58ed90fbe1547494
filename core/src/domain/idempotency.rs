//! Stored answers of requests with an `Idempotency-Key`, and secrets that the platform generates.

use dezky_derive::entity;

use super::{IdempotencyRecordId, UserId};
use crate::{clock::Timestamp, store::Scope};

/// The answer of a request, stored in the same commit as its effect.
#[entity(
    /// The collection of stored answers.
    collection IDEMPOTENCY_RECORDS = "idempotency_records",
    scope = Scope::Platform,
    keys = Self::keys,
    /// Records by expiry.
    index IDEMPOTENCY_BY_EXPIRY = by_expiry(expires_at),
    /// Records that show a person.
    index IDEMPOTENCY_OF_USER = of_user(user_id),
)]
#[derive(Debug)]
pub struct IdempotencyRecord {
    /// Its id.
    pub id: IdempotencyRecordId,
    /// Its version.
    pub version: u64,
    /// Hash of caller, method, path and key.
    #[field(impersonal)]
    pub key: String,
    /// Hash of the request's body.
    #[field(impersonal)]
    pub body_hash: String,
    /// The person whom the answer shows, if any; erasing them removes the record.
    pub user_id: Option<UserId>,
    /// HTTP status of the answer.
    pub status: u16,
    /// JSON text of the answer.
    #[field(personal)]
    pub response: String,
    /// Time at which it is removed.
    pub expires_at: Timestamp,
}

impl IdempotencyRecord {
    /// Returns the unique key of a record.
    #[must_use]
    pub fn unique_key(key: &str) -> String {
        format!("request:{key}")
    }

    fn keys(&self) -> Vec<String> {
        vec![Self::unique_key(&self.key)]
    }
}
