//! Canonical form of a stored document, independent of the store. Copies write it and hash it.
//!
//! Declared fields have the form of the port (hexadecimal ids, RFC 3339 times); undeclared ones are canonical MongoDB
//! Extended JSON, which round-trips every BSON type. Declared fields that are null are absent.

use bson::{Bson, DateTime, Document as BsonDocument, oid};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use crate::{
    clock::Timestamp,
    object_id::ObjectId,
    store::{Collection, Field, FieldType, terms::TERMS},
};

/// Fields that belong to the MongoDB store rather than to the document.
const OWN: [&str; 5] = ["_id", "uniqueKeys", "_commit", "_lock", "version"];

/// Largest integer that a double represents exactly along with its neighbours.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Returns the canonical form of a MongoDB document.
#[must_use]
pub fn from_bson(collection: &Collection, id: ObjectId, version: u64, document: BsonDocument) -> Json {
    let mut members = Map::new();
    members.insert("id".to_owned(), id.to_string().into());
    for (name, value) in document {
        if !OWN.contains(&name.as_str()) && !name.starts_with(TERMS) && name != "id" {
            member(&mut members, collection.fields, name, value);
        }
    }
    members.insert("version".to_owned(), version.into());
    Json::Object(members)
}

fn member(members: &mut Map<String, Json>, fields: &[Field], name: String, value: Bson) {
    match fields.iter().find(|field| field.name == name) {
        Some(_) if value == Bson::Null => {}
        Some(field) => {
            members.insert(name, declared(field.field_type, value));
        }
        None => {
            members.insert(name, value.into_canonical_extjson());
        }
    }
}

fn declared(field_type: FieldType, value: Bson) -> Json {
    match (field_type, value) {
        (FieldType::Id, Bson::ObjectId(id)) => ObjectId::from_bytes(id.bytes()).to_string().into(),
        (FieldType::Time, Bson::DateTime(time)) => {
            Timestamp::from_milliseconds(time.timestamp_millis()).to_string().into()
        }
        (FieldType::Integer, Bson::Int32(number)) => number.into(),
        (FieldType::Integer, Bson::Int64(number)) => number.into(),
        #[allow(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
        (FieldType::Integer, Bson::Double(number)) if number.fract() == 0.0 && number.abs() <= EXACT => {
            (number as i64).into()
        }
        (FieldType::List(of), Bson::Array(items)) => items.into_iter().map(|item| declared(*of, item)).collect(),
        (FieldType::Object(fields), Bson::Document(document)) => {
            let mut members = Map::new();
            for (name, value) in document {
                member(&mut members, fields, name, value);
            }
            Json::Object(members)
        }
        (_, Bson::Boolean(value)) => value.into(),
        (_, Bson::String(text)) => text.into(),
        // Not of its declared type: kept unchanged.
        (_, other) => other.into_canonical_extjson(),
    }
}

/// Returns the document for MongoDB, without id and unique keys.
///
/// # Errors
/// A text that says what is wrong.
pub fn to_bson(collection: &Collection, json: &str) -> Result<BsonDocument, String> {
    let members: Map<String, Json> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let mut document = object(collection.fields, members);
    document.remove("id");
    Ok(document)
}

fn object(fields: &[Field], members: Map<String, Json>) -> BsonDocument {
    let mut document = BsonDocument::new();
    for (name, value) in members {
        let value = match fields.iter().find(|field| field.name == name) {
            Some(_) if value.is_null() => continue,
            Some(field) => typed(field.field_type, value),
            None => extended(value),
        };
        document.insert(name, value);
    }
    document
}

fn typed(field_type: FieldType, value: Json) -> Bson {
    match (field_type, value) {
        (FieldType::Id, Json::String(text)) => match text.parse::<ObjectId>() {
            Ok(id) => Bson::ObjectId(oid::ObjectId::from_bytes(id.bytes())),
            Err(_) => Bson::String(text),
        },
        (FieldType::Time, Json::String(text)) => match text.parse::<Timestamp>() {
            Ok(time) => Bson::DateTime(DateTime::from_millis(time.milliseconds())),
            Err(_) => Bson::String(text),
        },
        (FieldType::Integer, Json::Number(number)) => {
            number.as_i64().map_or_else(|| extended(Json::Number(number)), Bson::Int64)
        }
        (FieldType::List(of), Json::Array(items)) => {
            Bson::Array(items.into_iter().map(|item| typed(*of, item)).collect())
        }
        (FieldType::Object(fields), Json::Object(members)) => Bson::Document(object(fields, members)),
        (_, value) => extended(value),
    }
}

/// Converts Extended JSON to BSON; values that only resemble it stay plain.
fn extended(value: Json) -> Bson {
    match Bson::try_from(value.clone()) {
        Ok(bson) => bson,
        Err(_) => match value {
            Json::Object(members) => {
                Bson::Document(members.into_iter().map(|(name, value)| (name, extended(value))).collect())
            }
            Json::Array(items) => Bson::Array(items.into_iter().map(extended).collect()),
            other => Bson::String(other.to_string()),
        },
    }
}

/// Returns the canonical text of a document of any store. Equal documents have equal texts.
///
/// # Errors
/// A text that says what is wrong.
pub fn normalise(collection: &Collection, id: ObjectId, json: &str) -> Result<String, String> {
    let document = to_bson(collection, json)?;
    let version = document.get_i64("version").ok().and_then(|version| u64::try_from(version).ok()).unwrap_or(0);
    Ok(text(&from_bson(collection, id, version, document)))
}

/// Serializes JSON with sorted names and no spaces.
#[must_use]
pub fn text(value: &Json) -> String {
    let mut output = String::new();
    write(value, &mut output);
    output
}

fn write(value: &Json, output: &mut String) {
    match value {
        Json::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| name.as_str());
            output.push('{');
            for (position, (name, value)) in sorted.into_iter().enumerate() {
                if position > 0 {
                    output.push(',');
                }
                output.push_str(&Json::String(name.clone()).to_string());
                output.push(':');
                write(value, output);
            }
            output.push('}');
        }
        Json::Array(items) => {
            output.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    output.push(',');
                }
                write(item, output);
            }
            output.push(']');
        }
        other => output.push_str(&other.to_string()),
    }
}

/// Hash over the documents of a collection in the order of ids.
#[derive(Debug, Default)]
pub struct CollectionHash {
    hash: Sha256,
    documents: u64,
}

impl CollectionHash {
    /// Adds the next document.
    pub fn add(&mut self, text: &str, unique_keys: &[String]) {
        self.hash.update(text.as_bytes());
        for key in unique_keys {
            // JSON text contains neither of these bytes outside of escapes in strings.
            self.hash.update(b"\x1f");
            self.hash.update(key.as_bytes());
        }
        self.hash.update(b"\n");
        self.documents = self.documents.saturating_add(1);
    }

    /// Returns the number of documents and their SHA-256 in hexadecimal.
    #[must_use]
    pub fn finish(self) -> (u64, String) {
        (self.documents, hex::encode(self.hash.finalize()))
    }
}
