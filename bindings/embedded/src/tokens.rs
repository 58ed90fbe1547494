//! Verified tokens as the other language knows them, so that the object of a remembered token is made once.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use dezky::authn::VerifiedToken;

/// How many tokens are known: as many as the verifier remembers.
const MOST: usize = 10_000;

/// What stands for tokens on the other side.
#[derive(Debug)]
pub struct KnownTokens<V> {
    /// By address: what is held cannot be another token at the same one.
    values: HashMap<usize, V>,
    /// The oldest first.
    held: VecDeque<Arc<VerifiedToken>>,
}

impl<V> Default for KnownTokens<V> {
    fn default() -> Self {
        Self { values: HashMap::new(), held: VecDeque::new() }
    }
}

impl<V> KnownTokens<V> {
    /// What stands for this token.
    #[must_use]
    pub fn get(&self, token: &Arc<VerifiedToken>) -> Option<&V> {
        self.values.get(&address(token))
    }

    /// Has a value stand for a token. The oldest one goes where there is no room.
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

    /// The token for which a value stands that this is said of.
    pub fn find(&self, stands: impl Fn(&V) -> bool) -> Option<&Arc<VerifiedToken>> {
        self.held.iter().find(|token| self.get(token).is_some_and(&stands))
    }
}

fn address(token: &Arc<VerifiedToken>) -> usize {
    Arc::as_ptr(token).addr()
}
