//! Bodies of changes: the JSON of the HTTP API, built from flags and `--body`.

use std::io::Read as _;

use clap::Args;
use dezky::{ErrorKind, domain::input::read_json};
use serde_json::{Map, Value};

use crate::failure::Failure;

/// Size limit of the HTTP API.
const MAXIMUM_BODY: u64 = 1024 * 1024;

/// Flag for fields without a flag of their own.
#[derive(Debug, Args)]
pub(crate) struct BodyFlags {
    /// More fields, as the JSON object that the HTTP API takes: text, `@FILE`, or `-` for standard input. `null` clears a
    /// field of an update. Flags win over it
    #[arg(long, value_name = "JSON")]
    body: Option<String>,
}

/// A body under construction.
#[derive(Debug)]
pub(crate) struct Body(Map<String, Value>);

impl BodyFlags {
    /// Parses `--body`, or starts with an empty object.
    ///
    /// # Errors
    /// When it is unreadable, or not a JSON object.
    pub(crate) fn read(&self) -> Result<Body, Failure> {
        let Some(given) = &self.body else { return Ok(Body(Map::new())) };
        let text = match given.strip_prefix('@') {
            Some(path) => bounded(
                std::fs::File::open(path)
                    .map_err(|error| Failure::usage(format!("--body: `{path}` cannot be read ({error})")))?,
            )?,
            None if given == "-" => bounded(std::io::stdin().lock())?,
            None => given.clone(),
        };
        match read_json(text.as_bytes()) {
            Ok(Value::Object(members)) => Ok(Body(members)),
            Ok(_) => Err(Failure::usage("--body: must be a JSON object, such as '{\"name\": \"Acme\"}'")),
            Err(error) if error.kind() == ErrorKind::Invalid => Err(Failure::of_operation(&error)),
            Err(error) => Err(Failure::usage(format!("--body: {}", error.message()))),
        }
    }
}

fn bounded(source: impl std::io::Read) -> Result<String, Failure> {
    let mut text = String::new();
    let read = source.take(MAXIMUM_BODY + 1).read_to_string(&mut text);
    match read.map_err(|error| Failure::usage(format!("--body: cannot be read ({error})")))? {
        length if u64::try_from(length).is_ok_and(|length| length <= MAXIMUM_BODY) => Ok(text),
        _ => Err(Failure::usage("--body: is larger than 1 MiB")),
    }
}

impl Body {
    /// Sets a field, if its flag is given.
    #[must_use]
    pub(crate) fn set(mut self, field: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.0.insert(field.to_owned(), value.into());
        }
        self
    }

    /// Sets a list, if its flag is given at least once.
    #[must_use]
    pub(crate) fn set_list(self, field: &str, values: &[String]) -> Self {
        let given = (!values.is_empty()).then(|| values.to_vec());
        self.set(field, given)
    }

    /// Returns the JSON.
    pub(crate) fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    /// Returns the JSON of an update, which must not be empty.
    ///
    /// # Errors
    /// When it is empty.
    pub(crate) fn into_patch(self) -> Result<Value, Failure> {
        if self.0.is_empty() {
            return Err(Failure::usage("there is nothing to change: give a flag, or --body JSON"));
        }
        Ok(self.into_value())
    }
}
