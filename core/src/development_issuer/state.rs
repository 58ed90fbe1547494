//! State shared by the sockets and the test that controls them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Behaviour, signing_key::SigningKey};

/// State of a development issuer.
#[derive(Debug)]
pub(super) struct State {
    pub(super) issuer_url: String,
    pub(super) jwks_url: String,
    path: String,
    inner: Mutex<Inner>,
    fetches: watch::Sender<u64>,
    gate: watch::Sender<bool>,
}

#[derive(Debug)]
struct Inner {
    behaviour: Behaviour,
    keys: Vec<std::sync::Arc<SigningKey>>,
    announced_issuer: Option<String>,
}

impl State {
    pub(super) fn new(origin: &str, path: &str, key: SigningKey) -> Self {
        let issuer_url = format!("{origin}{path}");
        Self {
            jwks_url: format!("{origin}{}/jwks/", path.trim_end_matches('/')),
            issuer_url,
            path: path.to_owned(),
            inner: Mutex::new(Inner {
                behaviour: Behaviour::Normal,
                keys: vec![std::sync::Arc::new(key)],
                announced_issuer: None,
            }),
            fetches: watch::Sender::new(0),
            gate: watch::Sender::new(true),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn discovery_path(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.path.trim_end_matches('/'))
    }

    pub(super) fn jwks_path(&self) -> String {
        format!("{}/jwks/", self.path.trim_end_matches('/'))
    }

    pub(super) fn behaviour(&self) -> Behaviour {
        self.inner().behaviour.clone()
    }

    pub(super) fn behave(&self, behaviour: Behaviour) {
        self.inner().behaviour = behaviour;
    }

    pub(super) fn announced_issuer(&self) -> String {
        self.inner().announced_issuer.clone().unwrap_or_else(|| self.issuer_url.clone())
    }

    pub(super) fn announce_issuer(&self, issuer: Option<String>) {
        self.inner().announced_issuer = issuer;
    }

    /// Returns all keys, the newest of each family last.
    pub(super) fn keys(&self) -> Vec<std::sync::Arc<SigningKey>> {
        self.inner().keys.clone()
    }

    pub(super) fn add_key(&self, key: SigningKey) {
        self.inner().keys.push(std::sync::Arc::new(key));
    }

    /// Removes every key that has a newer one in its family.
    pub(super) fn retire_old_keys(&self) {
        let keys = &mut self.inner().keys;
        let all = keys.clone();
        let mut position = 0;
        keys.retain(|key| {
            position += 1;
            !all.iter().skip(position).any(|newer| newer.family == key.family)
        });
    }

    pub(super) fn published(&self) -> Value {
        let keys: Vec<Value> = self.inner().keys.iter().map(|key| key.public_jwk()).collect();
        json!({ "keys": keys })
    }

    pub(super) fn count_fetch(&self) {
        self.fetches.send_modify(|count| *count = count.saturating_add(1));
    }

    pub(super) fn fetches(&self) -> watch::Receiver<u64> {
        self.fetches.subscribe()
    }

    pub(super) fn open_gate(&self, open: bool) {
        self.gate.send_replace(open);
    }

    /// Waits while responses are held.
    pub(super) async fn pass_gate(&self) {
        // The sender belongs to this state, so the wait cannot fail.
        let _ = self.gate.subscribe().wait_for(|open| *open).await;
    }
}
