//! Encoding: JSON text to BSON by declared types, and updates that preserve everything undeclared.

use ::mongodb::bson::{Bson, DateTime, Document as BsonDocument, doc, oid};
use serde_json::{Map, Value as Json};

use super::{COMMIT_FIELD, LOCK_FIELD, UNIQUE_KEYS_FIELD};
use crate::{
    clock::Timestamp,
    domain::ObjectId,
    store::{Collection, Field, FieldType, StoreError, StoreResult, Value, terms},
};

/// Converts an id to the driver's type.
pub(crate) fn object_id(id: ObjectId) -> oid::ObjectId {
    oid::ObjectId::from_bytes(id.bytes())
}

/// Returns the document that an insertion stores.
pub(super) fn inserted(
    collection: &'static Collection,
    id: ObjectId,
    json: &str,
    unique_keys: &[String],
    commit: ObjectId,
) -> StoreResult<BsonDocument> {
    let members = members(collection, json)?;
    let mut document = doc! { "_id": object_id(id) };
    for field in collection.fields {
        if let Some(value) = members.get(field.name) {
            document.insert(field.name, convert(collection, field.name, value, field.field_type, None)?);
        }
    }
    document.extend(terms(collection, json)?);
    if !unique_keys.is_empty() {
        document.insert(UNIQUE_KEYS_FIELD, unique_keys.to_vec());
    }
    document.insert(COMMIT_FIELD, object_id(commit));
    Ok(document)
}

/// Returns the update operators that bring a document to a new state.
///
/// `stored` has at least the declared objects of the stored document, whose undeclared fields are preserved.
pub(super) fn updated(
    collection: &'static Collection,
    json: &str,
    unique_keys: &[String],
    commit: ObjectId,
    stored: &BsonDocument,
) -> StoreResult<BsonDocument> {
    let members = members(collection, json)?;
    let mut set = doc! { LOCK_FIELD: object_id(commit) };
    set.extend(terms(collection, json)?);
    let mut unset = BsonDocument::new();
    for field in collection.fields.iter().filter(|field| !matches!(field.field_type, FieldType::Terms(_))) {
        match members.get(field.name) {
            Some(value) => {
                let old = stored.get(field.name);
                set.insert(field.name, convert(collection, field.name, value, field.field_type, old)?);
            }
            None => {
                unset.insert(field.name, "");
            }
        }
    }
    if unique_keys.is_empty() {
        unset.insert(UNIQUE_KEYS_FIELD, "");
    } else {
        set.insert(UNIQUE_KEYS_FIELD, unique_keys.to_vec());
    }
    let mut update = doc! { "$set": set };
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    Ok(update)
}

/// Returns the terms of a document, as one list per field.
pub(crate) fn terms(collection: &'static Collection, json: &str) -> StoreResult<BsonDocument> {
    let found = terms::of(collection, json).map_err(|error| StoreError::Unsupported {
        detail: format!("a document of `{}` is no JSON object: {error}", collection.name),
    })?;
    Ok(found.into_iter().map(|(field, terms)| (field.to_owned(), Bson::from(terms))).collect())
}

/// Returns the fields that an update has to read first, because they may contain undeclared fields.
pub(super) fn objects(collection: &'static Collection) -> Vec<&'static str> {
    let is_object =
        |field: &&Field| matches!(field.field_type, FieldType::Object(_) | FieldType::List(FieldType::Object(_)));
    collection.fields.iter().filter(is_object).map(|field| field.name).collect()
}

fn members(collection: &'static Collection, json: &str) -> StoreResult<Map<String, Json>> {
    let unsupported = |detail: String| StoreError::Unsupported { detail };
    let members: Map<String, Json> = serde_json::from_str(json)
        .map_err(|error| unsupported(format!("a document of `{}` is no JSON object: {error}", collection.name)))?;
    match members.keys().find(|name| *name != "id" && collection.field(name).is_none()) {
        Some(name) => Err(unsupported(format!("`{}` does not declare the field `{name}`", collection.name))),
        None => Ok(members),
    }
}

fn convert(
    collection: &'static Collection,
    path: &str,
    value: &Json,
    declared: FieldType,
    stored: Option<&Bson>,
) -> StoreResult<Bson> {
    let converted = match (declared, value) {
        (_, Json::Null) => Some(Bson::Null),
        (FieldType::Text, Json::String(text)) => Some(Bson::String(text.clone())),
        (FieldType::Integer, Json::Number(number)) => number.as_i64().map(Bson::Int64),
        (FieldType::Boolean, Json::Bool(value)) => Some(Bson::Boolean(*value)),
        (FieldType::Id, Json::String(text)) => text.parse().ok().map(|id| Bson::ObjectId(object_id(id))),
        (FieldType::Time, Json::String(text)) => text.parse().ok().map(|time| Bson::DateTime(date(time))),
        (FieldType::List(of), Json::Array(values)) => {
            let items = values.iter().map(|value| convert(collection, path, value, *of, None));
            let mut items = items.collect::<StoreResult<Vec<_>>>()?;
            if let (FieldType::Object(fields), Some(stored)) = (*of, stored.and_then(Bson::as_array)) {
                keep_stored(&mut items, fields, stored);
            }
            Some(Bson::Array(items))
        }
        (FieldType::Object(fields), Json::Object(members)) => {
            Some(Bson::Document(object(collection, path, members, fields, stored)?))
        }
        _ => None,
    };
    converted.ok_or_else(|| StoreError::Unsupported {
        detail: format!("`{path}` of `{}` does not have its declared type", collection.name),
    })
}

fn object(
    collection: &'static Collection,
    path: &str,
    members: &Map<String, Json>,
    fields: &'static [Field],
    stored: Option<&Bson>,
) -> StoreResult<BsonDocument> {
    let stored = stored.and_then(Bson::as_document);
    let mut document = BsonDocument::new();
    for field in fields {
        if let Some(value) = members.get(field.name) {
            let old = stored.and_then(|stored| stored.get(field.name));
            let path = format!("{path}.{}", field.name);
            document.insert(field.name, convert(collection, &path, value, field.field_type, old)?);
        }
    }
    let undeclared = |name: &str| !fields.iter().any(|field| field.name == name);
    if let Some(name) = members.keys().find(|name| undeclared(name)) {
        let detail = format!("`{path}` of `{}` does not declare `{name}`", collection.name);
        return Err(StoreError::Unsupported { detail });
    }
    let survivors = stored.into_iter().flatten().filter(|(name, _)| undeclared(name));
    document.extend(survivors.map(|(name, value)| (name.clone(), value.clone())));
    Ok(document)
}

/// Replaces items of a list by stored items with equal declared fields, each used once.
///
/// Items have no ids, so an item whose declared fields change is a new one, and undeclared fields of the old one are
/// lost.
fn keep_stored(items: &mut [Bson], fields: &'static [Field], stored: &[Bson]) {
    fn present<'a>(item: &'a BsonDocument, field: &Field) -> Option<&'a Bson> {
        item.get(field.name).filter(|value| **value != Bson::Null)
    }
    let mut left: Vec<&BsonDocument> = stored.iter().filter_map(Bson::as_document).collect();
    for item in items.iter_mut().filter_map(Bson::as_document_mut) {
        let same = |other: &&BsonDocument| fields.iter().all(|field| present(other, field) == present(item, field));
        if let Some(position) = left.iter().position(same) {
            item.clone_from(left.remove(position));
        }
    }
}

fn date(time: Timestamp) -> DateTime {
    DateTime::from_millis(time.milliseconds())
}

/// Converts a value that a query compares with.
pub(super) fn compared(value: &Value) -> Bson {
    match value {
        Value::Text(text) => Bson::String(text.clone()),
        Value::Integer(number) => Bson::Int64(*number),
        Value::Boolean(value) => Bson::Boolean(*value),
        Value::Id(id) => Bson::ObjectId(object_id(*id)),
        Value::Time(time) => Bson::DateTime(date(*time)),
    }
}
