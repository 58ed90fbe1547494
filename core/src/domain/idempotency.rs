//! Stored answers of requests with an `Idempotency-Key`, and secrets that the platform makes for itself.

use serde::{Deserialize, Serialize};

use super::{IdempotencyRecordId, ObjectId, UserId};
use crate::{
    clock::Timestamp,
    store::{Collection, Entity, Field, FieldType, Guest, Index, Scope},
};

/// The answer of a request, written in the same commit as its effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdempotencyRecord {
    /// Its id.
    pub id: IdempotencyRecordId,
    /// Its version.
    pub version: u64,
    /// Hash of caller, method, path and key.
    pub key: String,
    /// Hash of the body that came with it.
    pub body_hash: String,
    /// The person whom the answer shows, if it shows one: erasure removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// HTTP status of the answer.
    pub status: u16,
    /// JSON text of the answer.
    pub response: String,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

impl IdempotencyRecord {
    /// The unique key of a record.
    #[must_use]
    pub fn unique_key(key: &str) -> String {
        format!("request:{key}")
    }
}

/// Records by expiry.
pub const IDEMPOTENCY_BY_EXPIRY: Index = Index { name: "by_expiry", fields: &["expiresAt"] };

/// Records that show a person.
pub const IDEMPOTENCY_OF_USER: Index = Index { name: "of_user", fields: &["userId"] };

/// The collection of stored answers.
pub static IDEMPOTENCY_RECORDS: Collection = Collection {
    name: "idempotency_records",
    fields: &[
        Field::new("version", FieldType::Integer),
        Field::new("key", FieldType::Text),
        Field::new("bodyHash", FieldType::Text),
        Field::new("userId", FieldType::Id),
        Field::new("status", FieldType::Integer),
        Field::new("response", FieldType::Text),
        Field::new("expiresAt", FieldType::Time),
    ],
    indexes: &[IDEMPOTENCY_BY_EXPIRY, IDEMPOTENCY_OF_USER],
    scope: Scope::Platform,
    guest: Guest::Closed,
};

impl Entity for IdempotencyRecord {
    const COLLECTION: &'static Collection = &IDEMPOTENCY_RECORDS;

    fn id(&self) -> ObjectId {
        self.id.0
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn unique_keys(&self) -> Vec<String> {
        vec![Self::unique_key(&self.key)]
    }
}
