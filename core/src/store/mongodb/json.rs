//! Decoding: raw BSON to JSON text, without an intermediate tree.

use std::fmt::Write as _;

use ::mongodb::bson::{RawArray, RawBsonRef, RawDocument};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{COMMIT_FIELD, LOCK_FIELD, UNIQUE_KEYS_FIELD, together::FOLLOWING};
use crate::{
    clock::Timestamp,
    domain::ObjectId,
    store::{Collection, Document, StoreError, StoreResult, terms::TERMS},
};

/// Largest integer up to which a double represents every integer exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Maximum nesting depth, equal to MongoDB's own.
const MAXIMUM_DEPTH: u32 = 100;

/// Decodes a stored document.
pub(super) fn document(collection: &'static Collection, raw: &RawDocument) -> StoreResult<Document> {
    let mut reading =
        Reading { json: String::with_capacity(raw.as_bytes().len().saturating_mul(5) / 4), version: None };
    let corrupt = |id, detail| StoreError::Corrupt { collection: collection.name, id, detail };
    let id = match raw.get("_id") {
        Ok(Some(RawBsonRef::ObjectId(id))) => ObjectId::from_bytes(id.bytes()),
        Ok(_) => return Err(corrupt(None, "its `_id` is not an ObjectId".to_owned())),
        Err(error) => return Err(corrupt(None, error.to_string())),
    };
    reading.top(id, raw).map_err(|detail| corrupt(Some(id), detail))?;
    Ok(Document { id, version: reading.version.unwrap_or(0), json: reading.json })
}

struct Reading {
    json: String,
    version: Option<u64>,
}

impl Reading {
    fn top(&mut self, id: ObjectId, raw: &RawDocument) -> Result<(), String> {
        self.json.push_str("{\"id\":\"");
        self.display(id);
        self.json.push('"');
        for element in raw.iter_elements() {
            let element = element.map_err(|error| error.to_string())?;
            let key = element.key().as_str();
            // Skip the store's own fields, and a field that would be duplicated in the text.
            if matches!(key, "_id" | "id" | UNIQUE_KEYS_FIELD | LOCK_FIELD | COMMIT_FIELD | FOLLOWING)
                || key.starts_with(TERMS)
            {
                continue;
            }
            let value = element.value().map_err(|error| error.to_string())?;
            if key == "version" {
                self.version = version(value);
                continue;
            }
            self.member(key, value, 0)?;
        }
        self.json.push_str(",\"version\":");
        self.display(self.version.unwrap_or(0));
        self.json.push('}');
        Ok(())
    }

    /// Writes a member. Null fields are omitted, as absent ones are in stored JSON.
    fn member(&mut self, key: &str, value: RawBsonRef<'_>, depth: u32) -> Result<(), String> {
        if is_shown(value) {
            if !self.json.ends_with('{') {
                self.json.push(',');
            }
            self.text(key)?;
            self.json.push(':');
            self.value(value, depth)?;
        }
        Ok(())
    }

    fn value(&mut self, value: RawBsonRef<'_>, depth: u32) -> Result<(), String> {
        match value {
            RawBsonRef::String(text) | RawBsonRef::Symbol(text) | RawBsonRef::JavaScriptCode(text) => {
                return self.text(text);
            }
            RawBsonRef::Boolean(value) => self.display(value),
            RawBsonRef::Int32(number) => self.display(number),
            RawBsonRef::Int64(number) => self.display(number),
            RawBsonRef::Double(number) => self.double(number),
            RawBsonRef::ObjectId(id) => self.quoted(ObjectId::from_bytes(id.bytes())),
            RawBsonRef::DateTime(time) => self.quoted(Timestamp::from_milliseconds(time.timestamp_millis())),
            RawBsonRef::Decimal128(number) => self.quoted(number),
            RawBsonRef::Binary(binary) => self.quoted(STANDARD.encode(binary.bytes)),
            RawBsonRef::Document(document) => return self.object(document, depth.saturating_add(1)),
            RawBsonRef::Array(array) => return self.array(array, depth.saturating_add(1)),
            _ => self.json.push_str("null"),
        }
        Ok(())
    }

    fn object(&mut self, document: &RawDocument, depth: u32) -> Result<(), String> {
        check_depth(depth)?;
        self.json.push('{');
        for element in document.iter_elements() {
            let element = element.map_err(|error| error.to_string())?;
            let value = element.value().map_err(|error| error.to_string())?;
            self.member(element.key().as_str(), value, depth)?;
        }
        self.json.push('}');
        Ok(())
    }

    fn array(&mut self, array: &RawArray, depth: u32) -> Result<(), String> {
        check_depth(depth)?;
        self.json.push('[');
        for (index, value) in array.into_iter().enumerate() {
            if index > 0 {
                self.json.push(',');
            }
            self.value(value.map_err(|error| error.to_string())?, depth)?;
        }
        self.json.push(']');
        Ok(())
    }

    /// Writes a double. JavaScript programs store integers as doubles; these are written as integers.
    fn double(&mut self, number: f64) {
        if number.fract() == 0.0 && number.abs() <= EXACT {
            #[allow(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
            self.display(number as i64);
        } else if let Some(number) = serde_json::Number::from_f64(number) {
            self.display(number);
        } else {
            self.json.push_str("null");
        }
    }

    /// Writes a JSON string. Most texts need no escapes and are copied unchanged.
    fn text(&mut self, text: &str) -> Result<(), String> {
        if text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
            self.json.push_str(&serde_json::to_string(text).map_err(|error| error.to_string())?);
        } else {
            self.json.push('"');
            self.json.push_str(text);
            self.json.push('"');
        }
        Ok(())
    }

    fn quoted(&mut self, value: impl std::fmt::Display) {
        self.json.push('"');
        self.display(value);
        self.json.push('"');
    }

    fn display(&mut self, value: impl std::fmt::Display) {
        // Writing to a string fails only if the value's own formatting does. Then the value is missing, and the text
        // does not decode.
        let written = write!(self.json, "{value}");
        debug_assert!(written.is_ok(), "a value that cannot be shown");
    }
}

fn check_depth(depth: u32) -> Result<(), String> {
    if depth > MAXIMUM_DEPTH { Err("it is nested too deeply".to_owned()) } else { Ok(()) }
}

/// Returns `false` for null and for types that have no meaning outside MongoDB.
fn is_shown(value: RawBsonRef<'_>) -> bool {
    !matches!(
        value,
        RawBsonRef::Null
            | RawBsonRef::Undefined
            | RawBsonRef::MinKey
            | RawBsonRef::MaxKey
            | RawBsonRef::Timestamp(_)
            | RawBsonRef::RegularExpression(_)
            | RawBsonRef::JavaScriptCodeWithScope(_)
            | RawBsonRef::DbPointer(_)
    )
}

fn version(value: RawBsonRef<'_>) -> Option<u64> {
    match value {
        RawBsonRef::Int32(number) => u64::try_from(number).ok(),
        RawBsonRef::Int64(number) => u64::try_from(number).ok(),
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and within 0 to 2^53")]
        RawBsonRef::Double(number) if number.fract() == 0.0 && (0.0..=EXACT).contains(&number) => Some(number as u64),
        _ => None,
    }
}
