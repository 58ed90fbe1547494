//! Detection of keys shared by several documents, in 16 bytes per key: equal 128-bit hashes mean equal keys.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

/// Collector of the keys of all documents in a collection.
#[derive(Debug, Default)]
pub(super) struct Keys(Vec<u128>);

/// Keys that were collected more than once.
#[derive(Debug, Default)]
pub(super) struct Duplicates(HashSet<u128>);

fn hash(key: &str) -> u128 {
    let digest = Sha256::digest(key.as_bytes());
    u128::from_be_bytes(digest.first_chunk().copied().unwrap_or_default())
}

impl Keys {
    pub(super) fn add(&mut self, key: &str) {
        self.0.push(hash(key));
    }

    pub(super) fn duplicates(mut self) -> Duplicates {
        self.0.sort_unstable();
        let pairs = self.0.iter().zip(self.0.iter().skip(1));
        Duplicates(pairs.filter(|(first, second)| first == second).map(|(key, _)| *key).collect())
    }
}

impl Duplicates {
    pub(super) fn contains(&self, key: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&hash(key))
    }
}
