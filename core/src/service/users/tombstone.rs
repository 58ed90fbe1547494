//! Tombstones of erased people: a keyed hash of the subject, by which an erased person is recognized.

use std::{fmt, sync::OnceLock};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{
    domain::{ObjectId, PlatformSecret, User},
    error::{Error, Result},
    service::{Call, Service, moment::Moment},
    store::{Commit, Repository, StoreError},
};

/// The key of the hash, read from the store or created there at its first use.
#[derive(Default)]
pub struct SubjectHashKey(OnceLock<String>);

impl fmt::Debug for SubjectHashKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SubjectHashKey")
    }
}

impl Service {
    /// Returns the keyed hash (HMAC-SHA-256) of a subject. Without the key it does not identify the person.
    ///
    /// # Errors
    /// When the store that has the key does not answer.
    pub async fn subject_hash(&self, call: &Call, issuer_id: &str, subject: &str) -> Result<String> {
        // The key is where changes are made; a component has none, and an authorized request is complete without it.
        self.leave_to_effect(call).await?;
        let key = match self.subject_hash.0.get() {
            Some(key) => key.clone(),
            None => {
                let key = self.platform_secret(call, PlatformSecret::SUBJECT_HASH).await?;
                self.subject_hash.0.get_or_init(|| key).clone()
            }
        };
        let mut hash = Hmac::<Sha256>::new_from_slice(key.as_bytes())
            .map_err(|error| Error::internal(format!("the key of the subject hash is not usable: {error}")))?;
        hash.update(issuer_id.as_bytes());
        hash.update(b"\n");
        hash.update(subject.as_bytes());
        Ok(hex::encode(hash.finalize().into_bytes()))
    }

    /// Returns a secret of the platform, which is drawn at its first use.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn platform_secret(&self, call: &Call, name: &'static str) -> Result<String> {
        self.settle(call, |moment| self.load_platform_secret(call, moment, name)).await
    }

    async fn load_platform_secret(&self, call: &Call, moment: Moment, name: &str) -> Result<String> {
        let unique = || PlatformSecret::key(name);
        if let Some(secret) = self.store.load_unique::<PlatformSecret>(&call.context, unique()).await? {
            return Ok(secret.secret);
        }
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(|error| Error::internal(format!("no randomness: {error}")))?;
        let secret = PlatformSecret {
            id: ObjectId::generate(),
            version: 1,
            name: name.to_owned(),
            secret: hex::encode(bytes),
            created_at: moment.now(),
        };
        let mut commit = Commit::new();
        commit.insert(&secret)?;
        match self.store.commit(&call.context, &commit).await {
            Ok(()) => Ok(secret.secret),
            // Another process created it at the same time; that one is used.
            Err(StoreError::DuplicateKey { .. }) => {
                let stored = self.store.load_unique::<PlatformSecret>(&call.context, unique()).await?;
                stored.map(|secret| secret.secret).ok_or_else(|| Error::internal("a secret of the platform is gone"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the tombstone of an erased person, if there is one for this subject.
    pub(crate) async fn find_tombstone(&self, call: &Call, issuer_id: &str, hash: &str) -> Result<Option<User>> {
        let holder: Option<User> = self.store.load_unique(&call.context, User::tombstone_key(issuer_id, hash)).await?;
        Ok(holder.filter(User::is_deleted))
    }
}
