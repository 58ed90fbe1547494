//! Key sets (RFC 7517, section 5).

use std::{collections::HashMap, sync::Arc};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::key::{Key, Unfit};
use crate::{
    authn::{
        refusal::{KeyFault, TokenRefusal},
        token::{Algorithm, KeyThumbprint, parse_object},
    },
    error::{Code, Error},
};

/// Maximum number of keys used from one set, more than any provider publishes.
const MAXIMUM_KEYS: usize = 1_000;

/// Maximum number of keys tried for one token.
const MAXIMUM_CANDIDATES: usize = 4;

/// Maximum number of skipped keys reported with a reason.
const MAXIMUM_REASONS: usize = 20;

/// The usable keys of a JSON Web Key Set, at least one.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<Arc<Key>>,
    /// `kid`s of keys that are unfit.
    unfit: HashMap<String, KeyFault>,
    published: usize,
    skipped: Vec<String>,
}

/// Reasons why a document is no usable key set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// The document is not JSON, not an object, or has `keys` twice.
    #[error("the key set is not acceptable JSON: {0}")]
    Unreadable(String),
    /// `keys` is missing, as in the response of a provider without a signing key.
    #[error("the key set has no `keys`: choose a signing key for the application at the identity provider")]
    NoKeys,
    /// No key is usable.
    #[error("the key set holds no usable key: {published} came{}", reasons(.skipped))]
    NoneUsable {
        /// Number of keys in the document.
        published: usize,
        /// Reasons for skipping each key.
        skipped: Vec<String>,
    },
}

impl KeySetError {
    /// Returns the number of keys, if known, and the reasons for skipping each.
    pub(crate) fn left_out(&self) -> (Option<usize>, &[String]) {
        match self {
            Self::Unreadable(_) => (None, &[]),
            Self::NoKeys => (Some(0), &[]),
            Self::NoneUsable { published, skipped } => (Some(*published), skipped),
        }
    }
}

fn reasons(skipped: &[String]) -> String {
    if skipped.is_empty() { String::new() } else { format!("; {}", skipped.join("; ")) }
}

impl From<KeySetError> for Error {
    fn from(error: KeySetError) -> Self {
        Self::new(Code::KEY_SET_UNUSABLE, error.to_string()).with_source(error)
    }
}

/// A key set with unparsed keys, so that one invalid key does not spoil the others.
#[derive(Deserialize)]
struct Document<'json> {
    #[serde(borrow, default)]
    keys: Option<&'json RawValue>,
}

/// Identifying members of a key, as far as they are readable.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    kid: Option<String>,
}

impl KeySet {
    /// Parses a JSON Web Key Set, with or without a byte order mark. Unfit keys are skipped.
    ///
    /// # Errors
    /// [`KeySetError`] when it contains no usable key.
    pub fn from_json(json: &[u8]) -> Result<Self, KeySetError> {
        let unreadable = |error: &dyn std::fmt::Display| KeySetError::Unreadable(error.to_string());
        let text = std::str::from_utf8(without_byte_order_mark(json)).map_err(|error| unreadable(&error))?;
        // serde would also accept an array in place of this object.
        if !text.trim_ascii_start().starts_with('{') {
            return Err(unreadable(&"not an object"));
        }
        let document: Document<'_> = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        let published: Option<Vec<&RawValue>> = document.keys.and_then(|keys| serde_json::from_str(keys.get()).ok());
        let Some(published) = published else { return Err(KeySetError::NoKeys) };
        let mut set = Self { keys: Vec::new(), unfit: HashMap::new(), published: published.len(), skipped: Vec::new() };
        for (position, jwk) in published.iter().take(MAXIMUM_KEYS).enumerate() {
            match read(jwk) {
                Ok(key) => set.add(key),
                Err(unfit) => set.skip(position, jwk, unfit),
            }
        }
        set.shorten_reasons();
        if set.keys.is_empty() {
            return Err(KeySetError::NoneUsable { published: set.published, skipped: set.skipped });
        }
        Ok(set)
    }

    fn add(&mut self, key: Key) {
        if !self.keys.iter().any(|known| known.repeats(&key)) {
            self.keys.push(Arc::new(key));
        }
    }

    fn skip(&mut self, position: usize, jwk: &RawValue, Unfit { fault, reason }: Unfit) {
        let key_id = serde_json::from_str(jwk.get()).ok().and_then(|Named { kid }| kid);
        self.skipped.push(match &key_id {
            Some(key_id) => {
                let shown: String = key_id.chars().take(64).collect();
                format!("key `{}`: {reason}", shown.escape_default())
            }
            None => format!("key {position}: {reason}"),
        });
        self.unfit.extend(key_id.map(|key_id| (key_id, fault)));
    }

    fn shorten_reasons(&mut self) {
        let more = self.skipped.len().saturating_sub(MAXIMUM_REASONS);
        self.skipped.truncate(MAXIMUM_REASONS);
        if more > 0 {
            self.skipped.push(format!("{more} further keys"));
        }
        if self.published > MAXIMUM_KEYS {
            let beyond = self.published.saturating_sub(MAXIMUM_KEYS);
            self.skipped.push(format!("all keys after the first {MAXIMUM_KEYS}: {beyond} of them"));
        }
    }

    /// Returns the number of usable keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns whether no key is usable, which is never the case.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the number of keys in the document, usable or not.
    #[must_use]
    pub fn published(&self) -> usize {
        self.published
    }

    /// Returns the skipped keys with reasons. If there are very many, the last line says how many more.
    #[must_use]
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// Returns the names of the algorithms that some usable key serves (RFC 7518, section 3.1).
    #[must_use]
    pub fn algorithms(&self) -> Vec<&'static str> {
        let usable = |algorithm: &Algorithm| self.keys.iter().any(|key| key.fits(*algorithm));
        Algorithm::ALL.into_iter().filter(usable).map(Algorithm::name).collect()
    }

    /// Returns the thumbprints of the usable keys (RFC 7638), each with its `kid` and the only algorithm it serves.
    ///
    /// A key that is published under several `kid`s or algorithms is there once for each of them.
    pub fn thumbprints(&self) -> impl Iterator<Item = (Option<&str>, Option<Algorithm>, KeyThumbprint)> {
        self.keys.iter().map(|key| (key.key_id.as_deref(), key.only(), key.thumbprint))
    }

    /// Returns the keys that may have signed a token: matching its `kid`, if any, and its algorithm.
    ///
    /// There is at least one, and no more than the limit.
    pub(crate) fn select(&self, key_id: Option<&str>, algorithm: Algorithm) -> Result<Vec<Arc<Key>>, TokenRefusal> {
        let named = |key: &&Arc<Key>| key_id.is_none() || key.key_id.as_deref() == key_id;
        let mut fitting: Vec<Arc<Key>> = Vec::new();
        for key in self.keys.iter().filter(named).filter(|key| key.fits(algorithm)) {
            // A key may be listed once for each of its algorithms, and once for all.
            if fitting.iter().any(|known| known.thumbprint == key.thumbprint) {
                continue;
            }
            if fitting.len() == MAXIMUM_CANDIDATES {
                return Err(TokenRefusal::KeyAmbiguous);
            }
            fitting.push(key.clone());
        }
        if !fitting.is_empty() {
            return Ok(fitting);
        }
        let of_another_kind = key_id.is_some() && self.keys.iter().any(|key| named(&key));
        let fault = match key_id.and_then(|key_id| self.unfit.get(key_id)) {
            Some(fault) => Some(*fault),
            None => of_another_kind.then_some(KeyFault::Algorithm),
        };
        Err(fault.map_or(TokenRefusal::KeyUnknown { retry_after: None }, TokenRefusal::KeyUnfit))
    }
}

/// Strips a byte order mark, which is not part of the document (RFC 8259, section 8.1).
pub(crate) fn without_byte_order_mark(document: &[u8]) -> &[u8] {
    document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document)
}

fn read(jwk: &RawValue) -> Result<Key, Unfit> {
    // Two parsers that choose differently between duplicate members see two different keys.
    Key::from_jwk(parse_object(jwk.get().as_bytes()).map_err(|error| error.to_string())?)
}
