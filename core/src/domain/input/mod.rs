//! Reading of inputs. All invalid fields of a body are named at once, including unknown ones.

pub mod build;
pub mod json;

use serde_json::{Map, Value};

pub use build::Build;
pub use json::read_json;

use crate::{
    callers::Callers,
    error::{Error, FieldCode, FieldError, Result},
};

/// The reason why a value is invalid: a stable code and what to change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Stable code, such as `too_long`.
    pub code: FieldCode,
    /// Advice on what to change, for a person.
    pub message: String,
}

impl Problem {
    /// Creates a problem.
    pub fn new(code: FieldCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Returns the error of a field with this problem.
    #[must_use]
    pub fn of(self, field: &str) -> FieldError {
        FieldError::new(field, self.code, self.message)
    }
}

/// A member of a JSON merge patch (RFC 7396).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// Not in the patch: unchanged.
    #[default]
    Keep,
    /// `null` in the patch: removed.
    Clear,
    /// Set to a value.
    Set(T),
}

impl<T> Patch<T> {
    /// Applies the patch to an optional member.
    pub fn apply(self, target: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *target = None,
            Self::Set(value) => *target = Some(value),
        }
    }
}

/// Reads the members of a JSON object and collects their errors.
#[derive(Debug)]
pub struct Reader {
    object: Map<String, Value>,
    prefix: String,
    errors: Vec<FieldError>,
    present: Vec<&'static str>,
}

impl Reader {
    /// Starts reading a body.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when it is not an object.
    pub fn new(body: Value) -> Result<Self> {
        match body {
            Value::Object(object) => Ok(Self::nested(object, String::new())),
            _ => {
                Err(Error::invalid(vec![FieldError::new("", FieldCode::WRONG_TYPE, "the body must be a JSON object")]))
            }
        }
    }

    fn nested(object: Map<String, Value>, prefix: String) -> Self {
        Self { object, prefix, errors: Vec::new(), present: Vec::new() }
    }

    fn path(&self, field: &str) -> String {
        format!("{}{field}", self.prefix)
    }

    fn reject(&mut self, field: &str, problem: Problem) {
        self.errors.push(FieldError::new(self.path(field), problem.code, problem.message));
    }

    fn take(&mut self, field: &'static str) -> Option<Value> {
        let value = self.object.remove(field)?;
        self.present.push(field);
        Some(value)
    }

    fn parse<T>(
        &mut self,
        field: &'static str,
        value: &Value,
        parse: impl FnOnce(&Value) -> Result<T, Problem>,
    ) -> Option<T> {
        parse(value).map_err(|problem| self.reject(field, problem)).ok()
    }

    /// Reads a required member. If it is absent or invalid, records that and returns `None`.
    pub fn required<T>(&mut self, field: &'static str, parse: impl FnOnce(&Value) -> Result<T, Problem>) -> Option<T> {
        match self.take(field) {
            None | Some(Value::Null) => {
                self.reject(field, Problem::new(FieldCode::REQUIRED, "this field is required"));
                None
            }
            Some(value) => self.parse(field, &value, parse),
        }
    }

    /// Reads a member that may be absent or `null`.
    pub fn optional<T>(&mut self, field: &'static str, parse: impl FnOnce(&Value) -> Result<T, Problem>) -> Option<T> {
        match self.take(field)? {
            Value::Null => None,
            value => self.parse(field, &value, parse),
        }
    }

    /// Reads a member of a merge patch that may be removed.
    pub fn patch<T>(&mut self, field: &'static str, parse: impl FnOnce(&Value) -> Result<T, Problem>) -> Patch<T> {
        match self.take(field) {
            None => Patch::Keep,
            Some(Value::Null) => Patch::Clear,
            Some(value) => self.parse(field, &value, parse).map_or(Patch::Keep, Patch::Set),
        }
    }

    /// Reads a member of a merge patch that may be changed but not removed.
    pub fn replace<T>(&mut self, field: &'static str, parse: impl FnOnce(&Value) -> Result<T, Problem>) -> Option<T> {
        match self.take(field)? {
            Value::Null => {
                self.reject(field, Problem::new(FieldCode::REQUIRED, "this field cannot be removed"));
                None
            }
            value => self.parse(field, &value, parse),
        }
    }

    /// Reads a nested object with `read`.
    pub fn object<T>(&mut self, field: &'static str, read: impl FnOnce(&mut Self) -> T) -> Patch<T> {
        match self.take(field) {
            None => Patch::Keep,
            Some(Value::Null) => Patch::Clear,
            Some(Value::Object(object)) => Patch::Set(self.descend(object, format!("{field}."), read)),
            Some(_) => {
                self.reject(field, Problem::new(FieldCode::WRONG_TYPE, "must be an object"));
                Patch::Keep
            }
        }
    }

    /// Reads a list of at most `maximum` values.
    pub fn list<T>(
        &mut self,
        field: &'static str,
        maximum: usize,
        mut parse: impl FnMut(&Value) -> Result<T, Problem>,
    ) -> Patch<Vec<T>> {
        let Some(values) = self.take_list(field, maximum) else { return Patch::Keep };
        let Some(values) = values else { return Patch::Clear };
        let mut items = Vec::with_capacity(values.len());
        for (position, value) in values.iter().enumerate() {
            match parse(value) {
                Ok(item) => items.push(item),
                Err(problem) => self.reject(&format!("{field}[{position}]"), problem),
            }
        }
        Patch::Set(items)
    }

    /// Reads a list of at most `maximum` objects with `read`. Incomplete ones are reported and omitted.
    pub fn entries<T>(
        &mut self,
        field: &'static str,
        maximum: usize,
        mut read: impl FnMut(&mut Self) -> Option<T>,
    ) -> Patch<Vec<T>> {
        let Some(values) = self.take_list(field, maximum) else { return Patch::Keep };
        let Some(values) = values else { return Patch::Clear };
        let mut items = Vec::with_capacity(values.len());
        for (position, value) in values.into_iter().enumerate() {
            match value {
                Value::Object(object) => {
                    items.extend(self.descend(object, format!("{field}[{position}]."), &mut read));
                }
                _ => {
                    self.reject(
                        &format!("{field}[{position}]"),
                        Problem::new(FieldCode::WRONG_TYPE, "must be an object"),
                    );
                }
            }
        }
        Patch::Set(items)
    }

    fn take_list(&mut self, field: &'static str, maximum: usize) -> Option<Option<Vec<Value>>> {
        match self.take(field)? {
            Value::Null => Some(None),
            Value::Array(values) if values.len() <= maximum => Some(Some(values)),
            Value::Array(values) => {
                let message = format!("has {} entries, and at most {maximum} are allowed", values.len());
                self.reject(field, Problem::new(FieldCode::TOO_LONG, message));
                None
            }
            _ => {
                self.reject(field, Problem::new(FieldCode::WRONG_TYPE, "must be a list"));
                None
            }
        }
    }

    fn descend<T>(&mut self, object: Map<String, Value>, suffix: String, read: impl FnOnce(&mut Self) -> T) -> T {
        let mut nested = Self::nested(object, format!("{}{suffix}", self.prefix));
        let result = read(&mut nested);
        nested.reject_unknown();
        self.errors.append(&mut nested.errors);
        result
    }

    fn reject_unknown(&mut self) {
        for field in std::mem::take(&mut self.object).keys().take(20) {
            let shown: String = field.chars().take(80).collect();
            self.reject(&shown, Problem::new(FieldCode::UNKNOWN_FIELD, "this field is not known here: remove it"));
        }
    }

    /// Returns the known members of the body, in the order in which they were read.
    #[must_use]
    pub fn present(&self) -> Vec<&'static str> {
        self.present.clone()
    }

    /// Finishes reading.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] naming each invalid field, including unknown ones.
    pub fn finish(mut self) -> Result<()> {
        self.reject_unknown();
        if self.errors.is_empty() { Ok(()) } else { Err(Error::invalid(self.errors)) }
    }
}

/// A field that an input may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settable {
    /// Its name.
    pub name: &'static str,
    /// The callers that may set it, if these are fewer than those that may perform the action.
    pub by: Option<Callers>,
}

/// Returns the names of the fields marked as present.
#[must_use]
pub fn present_fields(fields: &[(&'static str, bool)]) -> Vec<&'static str> {
    fields.iter().filter(|(_, present)| *present).map(|(name, _)| *name).collect()
}

/// Unwraps a required member after [`Reader::finish`], which has reported an absent one.
///
/// # Errors
/// [`crate::ErrorKind::Internal`] if it is absent, which is a bug.
pub fn present<T>(value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::internal("a required field was neither read nor refused"))
}
