//! Key sets (RFC 7517, section 5).

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use super::key::{Key, Unfit};
use crate::{
    authn::{
        refusal::{KeyFault, TokenRefusal},
        token::{Algorithm, KeyThumbprint, parse_object},
    },
    error::{Error, ErrorKind},
};

/// The most keys of one set that are used.
const MAXIMUM_KEYS: usize = 100;

/// The usable keys of a JSON Web Key Set. At least one is there.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<Arc<Key>>,
    /// `kid`s that are there, with keys that are not fit.
    unfit: HashMap<String, KeyFault>,
    skipped: Vec<String>,
}

/// Why a document is no usable key set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// It is not JSON, or not an object, or a member stands twice.
    #[error("the key set is not acceptable JSON: {0}")]
    Unreadable(String),
    /// It has no `keys`, as the answer of a provider that has no signing key.
    #[error("the key set has no `keys`: choose a signing key for the application at the identity provider")]
    NoKeys,
    /// None of its keys is usable.
    #[error("the key set holds no usable key{}", reasons(.0))]
    NoneUsable(Vec<String>),
}

fn reasons(skipped: &[String]) -> String {
    if skipped.is_empty() { String::new() } else { format!(": {}", skipped.join("; ")) }
}

impl From<KeySetError> for Error {
    fn from(error: KeySetError) -> Self {
        Self::new(ErrorKind::Configuration, "key_set_unusable", error.to_string()).with_source(error)
    }
}

impl KeySet {
    /// Reads a JSON Web Key Set. Keys that are not fit are skipped.
    ///
    /// # Errors
    /// [`KeySetError`] when no usable key is in it.
    pub fn from_json(json: &[u8]) -> Result<Self, KeySetError> {
        let members = parse_object(json).map_err(|error| KeySetError::Unreadable(error.to_string()))?;
        let Some(Value::Array(published)) = members.get("keys") else { return Err(KeySetError::NoKeys) };
        let mut set = Self { keys: Vec::new(), unfit: HashMap::new(), skipped: Vec::new() };
        for (position, jwk) in published.iter().enumerate() {
            if position >= MAXIMUM_KEYS {
                set.skipped.push(format!("all keys after the first {MAXIMUM_KEYS}"));
                break;
            }
            match Key::from_jwk(jwk) {
                Ok(key) => set.add(key),
                Err(unfit) => set.skip(position, jwk, &unfit),
            }
        }
        if set.keys.is_empty() { Err(KeySetError::NoneUsable(set.skipped)) } else { Ok(set) }
    }

    fn add(&mut self, key: Key) {
        let again = |known: &Arc<Key>| known.thumbprint == key.thumbprint && known.key_id == key.key_id;
        if !self.keys.iter().any(again) {
            self.keys.push(Arc::new(key));
        }
    }

    fn skip(&mut self, position: usize, jwk: &Value, Unfit { fault, reason }: &Unfit) {
        let key_id = jwk.get("kid").and_then(Value::as_str);
        self.skipped.push(match key_id {
            Some(key_id) => {
                let shown: String = key_id.chars().take(64).collect();
                format!("key `{}`: {reason}", shown.escape_default())
            }
            None => format!("key {position}: {reason}"),
        });
        self.unfit.extend(key_id.map(|key_id| (key_id.to_owned(), *fault)));
    }

    /// How many keys are usable.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key is usable. Never so.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Keys that are not used, each with the reason.
    #[must_use]
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// Names of the algorithms that some usable key is for (RFC 7518, section 3.1).
    #[must_use]
    pub fn algorithms(&self) -> Vec<&'static str> {
        let usable = |algorithm: &Algorithm| self.keys.iter().any(|key| key.fits(*algorithm));
        Algorithm::ALL.into_iter().filter(usable).map(Algorithm::name).collect()
    }

    /// The thumbprints of the usable keys (RFC 7638), each with its `kid`.
    pub fn thumbprints(&self) -> impl Iterator<Item = (Option<&str>, KeyThumbprint)> {
        self.keys.iter().map(|key| (key.key_id.as_deref(), key.thumbprint))
    }

    /// The one key that a token names and that fits its algorithm.
    pub(crate) fn select(&self, key_id: Option<&str>, algorithm: Algorithm) -> Result<&Arc<Key>, TokenRefusal> {
        let named = |key: &&Arc<Key>| key_id.is_none() || key.key_id.as_deref() == key_id;
        let mut fitting = self.keys.iter().filter(named).filter(|key| key.fits(algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(TokenRefusal::KeyAmbiguous),
            (None, _) => {
                let of_another_kind = key_id.is_some() && self.keys.iter().any(|key| named(&key));
                let fault = match key_id.and_then(|key_id| self.unfit.get(key_id)) {
                    Some(fault) => Some(*fault),
                    None => of_another_kind.then_some(KeyFault::Algorithm),
                };
                Err(fault.map_or(TokenRefusal::KeyUnknown { retry_after: None }, TokenRefusal::KeyUnfit))
            }
        }
    }
}
