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
    error::{Error, ErrorKind},
};

/// The most keys of one set that are used: more than any provider publishes.
const MAXIMUM_KEYS: usize = 1_000;

/// The most keys that are tried for one token.
const MAXIMUM_CANDIDATES: usize = 4;

/// The most keys that are named with the reason why they are not used.
const MAXIMUM_REASONS: usize = 20;

/// The usable keys of a JSON Web Key Set. At least one is there.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<Arc<Key>>,
    /// `kid`s that are there, with keys that are not fit.
    unfit: HashMap<String, KeyFault>,
    published: usize,
    skipped: Vec<String>,
}

/// Why a document is no usable key set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// It is not JSON, or not an object, or has `keys` twice.
    #[error("the key set is not acceptable JSON: {0}")]
    Unreadable(String),
    /// It has no `keys`, as the answer of a provider that has no signing key.
    #[error("the key set has no `keys`: choose a signing key for the application at the identity provider")]
    NoKeys,
    /// None of its keys is usable.
    #[error("the key set holds no usable key: {published} came{}", reasons(.skipped))]
    NoneUsable {
        /// How many keys came.
        published: usize,
        /// Why each is left out.
        skipped: Vec<String>,
    },
}

impl KeySetError {
    /// How many keys came, if that can be told, and why each is left out.
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
        Self::new(ErrorKind::Configuration, "key_set_unusable", error.to_string()).with_source(error)
    }
}

/// A key set with its keys unread: what is wrong with one of them is no fault of the others.
#[derive(Deserialize)]
struct Document<'json> {
    #[serde(borrow, default)]
    keys: Option<&'json RawValue>,
}

/// What tells one key from another, where that can be read.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    kid: Option<String>,
}

impl KeySet {
    /// Reads a JSON Web Key Set, with or without a byte order mark. Keys that are not fit are skipped.
    ///
    /// # Errors
    /// [`KeySetError`] when no usable key is in it.
    pub fn from_json(json: &[u8]) -> Result<Self, KeySetError> {
        let unreadable = |error: &dyn std::fmt::Display| KeySetError::Unreadable(error.to_string());
        let text = std::str::from_utf8(without_byte_order_mark(json)).map_err(|error| unreadable(&error))?;
        // A list of members would be read as an object of them, too.
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

    /// How many keys the document has, usable or not.
    #[must_use]
    pub fn published(&self) -> usize {
        self.published
    }

    /// Keys that are not used, each with the reason; of very many the last line tells how many more there are.
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

    /// The keys that a token may be signed with: of this `kid` if it names one, and fit for its algorithm. One at least, and
    /// no more than are tried.
    pub(crate) fn select(&self, key_id: Option<&str>, algorithm: Algorithm) -> Result<Vec<Arc<Key>>, TokenRefusal> {
        let named = |key: &&Arc<Key>| key_id.is_none() || key.key_id.as_deref() == key_id;
        let mut fitting: Vec<Arc<Key>> = Vec::new();
        for key in self.keys.iter().filter(named).filter(|key| key.fits(algorithm)) {
            // One key may stand there for each of its algorithms, and for all of them.
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

/// A document as its writer meant it: the mark is no part of it (RFC 8259, section 8.1).
pub(crate) fn without_byte_order_mark(document: &[u8]) -> &[u8] {
    document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document)
}

fn read(jwk: &RawValue) -> Result<Key, Unfit> {
    // Two readers that choose differently between two members see two different keys.
    Key::from_jwk(parse_object(jwk.get().as_bytes()).map_err(|error| error.to_string())?)
}
