//! Secrets that the platform generates at its first start.

use std::fmt;

use dezky_derive::entity;

use super::ObjectId;
use crate::{clock::Timestamp, store::Scope};

/// A named secret. Never shown, not even by `Debug`.
#[entity(
    /// The collection of secrets.
    collection PLATFORM_SECRETS = "platform_secrets",
    scope = Scope::Platform,
    keys = Self::keys,
)]
pub struct PlatformSecret {
    /// Its id.
    pub id: ObjectId,
    /// Its version.
    pub version: u64,
    /// The purpose of the secret.
    #[field(impersonal)]
    pub name: String,
    /// The secret, in hexadecimal.
    #[field(impersonal)]
    pub secret: String,
    /// Time of creation.
    pub created_at: Timestamp,
}

impl PlatformSecret {
    /// Name of the key that hashes the subjects of erased people.
    pub const SUBJECT_HASH: &'static str = "subject-hash";

    /// Name of the key of return addresses of mail.
    pub const BOUNCES: &'static str = "bounces";

    /// Name of the key from which the secrets of event endpoints are derived.
    pub const WEBHOOKS: &'static str = "webhooks";

    /// Returns the unique key of a secret.
    #[must_use]
    pub fn key(name: &str) -> String {
        format!("name:{name}")
    }

    fn keys(&self) -> Vec<String> {
        vec![Self::key(&self.name)]
    }
}

impl fmt::Debug for PlatformSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PlatformSecret").field("name", &self.name).finish_non_exhaustive()
    }
}
