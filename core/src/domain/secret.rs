//! Secrets that the platform makes for itself at its first start.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ObjectId;
use crate::{
    clock::Timestamp,
    store::{Collection, Entity, Field, FieldType, Guest, Scope},
};

/// A named secret. Never shown, not even in `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlatformSecret {
    /// Its id.
    pub id: ObjectId,
    /// Its version.
    pub version: u64,
    /// What it is for.
    pub name: String,
    /// The secret, in hexadecimal.
    pub secret: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl PlatformSecret {
    /// Name of the key with which subjects of erased people are hashed.
    pub const SUBJECT_HASH: &'static str = "subject-hash";

    /// The unique key of a secret.
    #[must_use]
    pub fn key(name: &str) -> String {
        format!("name:{name}")
    }
}

impl fmt::Debug for PlatformSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PlatformSecret").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The collection of secrets.
pub static PLATFORM_SECRETS: Collection = Collection {
    name: "platform_secrets",
    fields: &[
        Field::new("version", FieldType::Integer),
        Field::new("name", FieldType::Text),
        Field::new("secret", FieldType::Text),
        Field::new("createdAt", FieldType::Time),
    ],
    indexes: &[],
    scope: Scope::Platform,
    guest: Guest::Closed,
};

impl Entity for PlatformSecret {
    const COLLECTION: &'static Collection = &PLATFORM_SECRETS;

    fn id(&self) -> ObjectId {
        self.id
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn unique_keys(&self) -> Vec<String> {
        vec![Self::key(&self.name)]
    }
}
