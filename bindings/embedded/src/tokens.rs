//! Verified tokens known to the other language, so that the object of a remembered token is created once.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use dezky::authn::VerifiedToken;

/// Maximum number of known tokens, equal to that of the verifier.
const MOST: usize = 10_000;

/// The values that represent tokens in the other language.
#[derive(Debug)]
pub struct KnownTokens<V> {
    /// By address: no other token can have the address of one that is held.
    values: HashMap<usize, V>,
    /// In order of age, the oldest first.
    held: VecDeque<Arc<VerifiedToken>>,
}

impl<V> Default for KnownTokens<V> {
    fn default() -> Self {
        Self { values: HashMap::new(), held: VecDeque::new() }
    }
}

impl<V> KnownTokens<V> {
    /// Returns the value that represents this token.
    #[must_use]
    pub fn get(&self, token: &Arc<VerifiedToken>) -> Option<&V> {
        self.values.get(&address(token))
    }

    /// Sets the value that represents a token. If there is no room, the oldest one is removed.
    pub fn insert(&mut self, token: &Arc<VerifiedToken>, value: V) {
        if self.held.len() >= MOST
            && let Some(oldest) = self.held.pop_front()
        {
            self.values.remove(&address(&oldest));
        }
        if self.values.insert(address(token), value).is_none() {
            self.held.push_back(Arc::clone(token));
        }
    }

    /// Returns the token whose value satisfies a condition.
    pub fn find(&self, stands: impl Fn(&V) -> bool) -> Option<&Arc<VerifiedToken>> {
        self.held.iter().find(|token| self.get(token).is_some_and(&stands))
    }
}

fn address(token: &Arc<VerifiedToken>) -> usize {
    Arc::as_ptr(token).addr()
}
