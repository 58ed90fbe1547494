//! Inputs built from typed values. They are read like JSON bodies, so that Rust callers have the same rules.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// Builds an input field by field.
///
/// ```
/// use dezky::domain::CreateTenant;
///
/// let input = CreateTenant::build("acme", "Acme GmbH").plan("business").finish()?;
/// assert_eq!(input.fields(), ["slug", "name", "plan"]);
/// assert_eq!(CreateTenant::build("-", "Acme GmbH").finish().unwrap_err().fields()[0].field, "slug");
/// # Ok::<(), dezky::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is made before `finish`"]
pub struct Build<T> {
    read: fn(Value) -> Result<T>,
    body: Map<String, Value>,
    failed: Option<String>,
}

impl<T> Build<T> {
    pub(crate) fn new(read: fn(Value) -> Result<T>) -> Self {
        Self { read, body: Map::new(), failed: None }
    }

    pub(crate) fn with<V: Serialize>(mut self, field: &str, value: V) -> Self {
        match serde_json::to_value(value) {
            Ok(value) => drop(self.body.insert(field.to_owned(), value)),
            Err(error) => self.failed = Some(error.to_string()),
        }
        self
    }

    /// Builds the input.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] naming each invalid field.
    pub fn finish(self) -> Result<T> {
        match self.failed {
            Some(failed) => Err(Error::internal(failed)),
            None => (self.read)(Value::Object(self.body)),
        }
    }
}
