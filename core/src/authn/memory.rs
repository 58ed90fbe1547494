//! Cache of verified tokens.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use quick_cache::sync::Cache;

use super::{
    keys::Snapshot,
    registry::KnownIssuer,
    token::{Header, VerifiedToken},
};

/// SHA-256 of a whole token.
pub(crate) type TokenHash = [u8; 32];

/// Verified token with the data that detects removal of its key.
#[derive(Debug)]
pub(crate) struct Remembered {
    /// Its issuer.
    pub(crate) issuer: Arc<KnownIssuer>,
    /// Result of the verification.
    pub(crate) token: Arc<VerifiedToken>,
    header: Header,
    /// Generation of the key set that last contained the key.
    generation: AtomicU64,
}

impl Remembered {
    /// Returns whether a key set contains the token's key, for the same `kid` and algorithm.
    pub(crate) fn holds(&self, snapshot: &Snapshot) -> bool {
        if self.generation.load(Ordering::Relaxed) == snapshot.generation {
            return true;
        }
        let keys = snapshot.set.select(self.header.key_id.as_deref(), self.header.algorithm);
        let holds = keys.is_ok_and(|keys| keys.iter().any(|key| key.thumbprint == self.token.key_thumbprint));
        if holds {
            self.generation.store(snapshot.generation, Ordering::Relaxed);
        }
        holds
    }
}

/// Bounded cache of verified tokens. The cache decides which entries to evict.
#[derive(Debug)]
pub(crate) struct TokenMemory {
    entries: Cache<TokenHash, Arc<Remembered>>,
}

impl TokenMemory {
    pub(crate) fn new(capacity: NonZeroUsize) -> Self {
        Self { entries: Cache::new(capacity.get()) }
    }

    pub(crate) fn get(&self, hash: &TokenHash) -> Option<Arc<Remembered>> {
        self.entries.get(hash)
    }

    pub(crate) fn forget(&self, hash: &TokenHash) {
        self.entries.remove(hash);
    }

    pub(crate) fn remember(
        &self,
        hash: TokenHash,
        issuer: Arc<KnownIssuer>,
        header: Header,
        token: Arc<VerifiedToken>,
        snapshot: &Snapshot,
    ) {
        let generation = AtomicU64::new(snapshot.generation);
        self.entries.insert(hash, Arc::new(Remembered { issuer, token, header, generation }));
    }
}
