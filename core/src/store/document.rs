//! Documents at the port, and the values that queries compare.

use serde::{Deserialize, Serialize};

use super::{Collection, StoreError, StoreResult};
use crate::{clock::Timestamp, object_id::ObjectId};

/// A stored document: its JSON text, with `id` and `version` extracted for the store's own use.
///
/// In the text, ids are hexadecimal and times RFC 3339, whatever the types of the database are. It may have fields that
/// the collection does not declare; they are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its id.
    pub id: ObjectId,
    /// Its version; 0 for documents that Dezky never wrote.
    pub version: u64,
    /// Its JSON text: an object.
    pub json: String,
}

impl Document {
    /// Decodes the document as an entity.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the text is not such an entity.
    pub fn decode<'json, T: Deserialize<'json>>(&'json self, collection: &'static Collection) -> StoreResult<T> {
        serde_json::from_str(&self.json).map_err(|error| StoreError::Corrupt {
            collection: collection.name,
            id: Some(self.id),
            detail: error.to_string(),
        })
    }
}

/// A value in a condition of a query.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Value {
    /// Text.
    #[serde(rename = "s")]
    Text(String),
    /// A whole number.
    #[serde(rename = "n")]
    Integer(i64),
    /// A boolean.
    #[serde(rename = "b")]
    Boolean(bool),
    /// An id.
    #[serde(rename = "i")]
    Id(ObjectId),
    /// An instant.
    #[serde(rename = "t")]
    Time(Timestamp),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<ObjectId> for Value {
    fn from(id: ObjectId) -> Self {
        Self::Id(id)
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::Time(time)
    }
}
