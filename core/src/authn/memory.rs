//! Tokens that were verified already.

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
    token::{Header, VerifiedToken},
};

/// SHA-256 of a whole token.
pub(crate) type TokenHash = [u8; 32];

/// A verified token, and what it takes to see whether its key still holds.
#[derive(Debug)]
pub(crate) struct Remembered {
    /// Position of its issuer among the configured ones.
    pub(crate) issuer: usize,
    /// What was verified.
    pub(crate) token: Arc<VerifiedToken>,
    header: Header,
    /// Generation of the key set in which the key was seen last.
    generation: AtomicU64,
}

impl Remembered {
    /// Whether the key of the token is in this set, for the same `kid` and algorithm.
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

/// A bounded memory of verified tokens; which of them stay when it is full is the cache's choice.
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
        issuer: usize,
        header: Header,
        token: Arc<VerifiedToken>,
        snapshot: &Snapshot,
    ) {
        let generation = AtomicU64::new(snapshot.generation);
        self.entries.insert(hash, Arc::new(Remembered { issuer, token, header, generation }));
    }
}
