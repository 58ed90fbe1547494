//! Archive of each issuer's last good key set, so that a restart during a provider outage still serves.

use async_trait::async_trait;
use dezky_derive::entity;

use crate::{
    clock::Timestamp,
    context::{RequestContext, SystemActor},
    domain::KeySetId,
    error::Result,
    store::{Commit, Repository, Scope, SharedStore, StoreError, StoreResult},
};

/// Storage for the last good key set of each issuer.
#[async_trait]
pub trait KeySetArchive: Send + Sync + std::fmt::Debug {
    /// Loads the last saved key set of an issuer, if any.
    ///
    /// # Errors
    /// When the archive cannot be read.
    async fn load(&self, issuer_id: &str) -> Result<Option<ArchivedKeySet>>;

    /// Saves a key set, unless a later one is stored.
    ///
    /// # Errors
    /// When the archive cannot be written.
    async fn save(&self, issuer_id: &str, set: &ArchivedKeySet) -> Result<()>;
}

/// A key set as fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedKeySet {
    /// JSON text of the JSON Web Key Set.
    pub json: String,
    /// Key location in the settings. A set from another location is not used once the settings change.
    pub origin: String,
    /// Time of the fetch.
    pub fetched_at: Timestamp,
}

/// Archive that stores nothing, for one-off tools and tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoArchive;

#[async_trait]
impl KeySetArchive for NoArchive {
    async fn load(&self, _issuer_id: &str) -> Result<Option<ArchivedKeySet>> {
        Ok(None)
    }

    async fn save(&self, _issuer_id: &str, _set: &ArchivedKeySet) -> Result<()> {
        Ok(())
    }
}

/// The document of one issuer's last good key set.
#[entity(
    /// The collection of stored key sets.
    collection KEY_SETS = "key_sets",
    scope = Scope::Platform,
    keys = Self::keys,
)]
#[derive(Debug)]
pub struct StoredKeySet {
    /// Document id.
    pub id: KeySetId,
    /// Document version.
    pub version: u64,
    /// The stable `id` of the issuer.
    #[field(impersonal)]
    pub issuer_id: String,
    /// JSON text of the JSON Web Key Set: public keys only.
    #[field(impersonal)]
    pub json: String,
    /// The key location in the settings.
    #[field(impersonal)]
    pub origin: String,
    /// Time of the fetch.
    pub fetched_at: Timestamp,
    /// Time at which the issuer's first set was stored.
    pub created_at: Timestamp,
    /// Time at which this set was stored.
    pub updated_at: Timestamp,
}

impl StoredKeySet {
    fn unique_key(issuer_id: &str) -> String {
        format!("issuer:{issuer_id}")
    }

    fn keys(&self) -> Vec<String> {
        vec![Self::unique_key(&self.issuer_id)]
    }
}

/// Archive of key sets in a store.
#[derive(Debug, Clone)]
pub struct StoreArchive {
    store: SharedStore,
}

impl StoreArchive {
    /// Creates an archive in a store.
    #[must_use]
    pub fn new(store: SharedStore) -> Self {
        Self { store }
    }
}

#[async_trait]
impl KeySetArchive for StoreArchive {
    async fn load(&self, issuer_id: &str) -> Result<Option<ArchivedKeySet>> {
        let context = RequestContext::by_part(SystemActor::Keys);
        let kept = self.store.load_unique::<StoredKeySet>(&context, StoredKeySet::unique_key(issuer_id)).await?;
        Ok(kept.map(|kept| ArchivedKeySet { json: kept.json, origin: kept.origin, fetched_at: kept.fetched_at }))
    }

    async fn save(&self, issuer_id: &str, set: &ArchivedKeySet) -> Result<()> {
        let context = RequestContext::by_part(SystemActor::Keys);
        let mut outcome = self.try_save(&context, issuer_id, set).await;
        for _ in 1..Self::MAXIMUM_ATTEMPTS {
            // Another fetch was stored meanwhile: reading again shows which one is later.
            match outcome {
                Err(StoreError::DuplicateKey { .. } | StoreError::VersionConflict { .. }) => {}
                _ => break,
            }
            outcome = self.try_save(&context, issuer_id, set).await;
        }
        Ok(outcome?)
    }
}

impl StoreArchive {
    /// Maximum attempts to store a set while other processes store theirs.
    const MAXIMUM_ATTEMPTS: usize = 32;

    async fn try_save(&self, context: &RequestContext, issuer_id: &str, set: &ArchivedKeySet) -> StoreResult<()> {
        let kept = self.store.load_unique::<StoredKeySet>(context, StoredKeySet::unique_key(issuer_id)).await?;
        let mut commit = Commit::new();
        let next = StoredKeySet {
            id: kept.as_ref().map_or_else(KeySetId::generate, |kept| kept.id),
            version: kept.as_ref().map_or(1, |kept| kept.version.saturating_add(1)),
            issuer_id: issuer_id.to_owned(),
            json: set.json.clone(),
            origin: set.origin.clone(),
            fetched_at: set.fetched_at,
            created_at: kept.as_ref().map_or(set.fetched_at, |kept| kept.created_at),
            updated_at: set.fetched_at,
        };
        match kept {
            Some(kept) if kept.fetched_at >= set.fetched_at && kept.origin == set.origin => return Ok(()),
            Some(kept) => commit.update(&next, kept.version)?,
            None => commit.insert(&next)?,
        }
        self.store.commit(context, &commit).await
    }
}
