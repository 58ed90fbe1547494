//! Conversions of values and documents between the port and SQL. Pure.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

use crate::store::{Collection, Field, FieldType, Value};

/// A value bound to a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Parameter {
    /// Text.
    Text(Cow<'static, str>),
    /// A whole number.
    Integer(i64),
}

impl Parameter {
    pub(super) fn text(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Text(text.into())
    }
}

/// Converts a value as `json_extract` returns it: ids and times as their JSON text, booleans as 1 or 0.
pub(super) fn parameter(value: &Value) -> Parameter {
    match value {
        Value::Text(text) => Parameter::text(text.clone()),
        Value::Integer(number) => Parameter::Integer(*number),
        Value::Boolean(truth) => Parameter::Integer(i64::from(*truth)),
        Value::Id(id) => Parameter::text(id.to_string()),
        Value::Time(time) => Parameter::text(time.to_string()),
    }
}

/// Encodes values as one JSON array for `json_each`, so that lists of any length share one statement.
pub(super) fn list(values: &[Value]) -> Parameter {
    let items: Vec<serde_json::Value> = values
        .iter()
        .map(|value| match parameter(value) {
            Parameter::Text(text) => text.into_owned().into(),
            Parameter::Integer(number) => number.into(),
        })
        .collect();
    Parameter::text(serde_json::Value::Array(items).to_string())
}

/// Encodes texts as one JSON array.
pub(super) fn text_list(texts: &[String]) -> Parameter {
    Parameter::text(serde_json::Value::from(texts).to_string())
}

/// Returns the version in a document's JSON; 0 if there is none.
pub(super) fn version(json: &str) -> Result<u64, serde_json::Error> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(default)]
        version: u64,
    }
    serde_json::from_str::<Head>(json).map(|head| head.version)
}

/// Returns `true` if a document's place in an index over terms changes, because a relevant field does.
pub(super) fn moves(collection: &Collection, stored: &str, new: &str) -> Result<bool, serde_json::Error> {
    let (stored, new): (Borrowed<'_>, Borrowed<'_>) = (serde_json::from_str(stored)?, serde_json::from_str(new)?);
    let decisive = collection.indexes.iter().filter(|index| collection.terms_of(index).is_some());
    let decisive = decisive.flat_map(|index| index.fields).flat_map(|field| {
        match collection.field(field).map(|field| field.field_type) {
            Some(FieldType::Terms(sources)) => sources.iter().map(|source| source.field).collect(),
            _ => vec![*field],
        }
    });
    let value = |fields: &Fields<'_>, name| fields.get(&Name(Cow::Borrowed(name))).map(|value| value.get().to_owned());
    Ok(decisive.into_iter().any(|name| value(&stored.0, name) != value(&new.0, name)))
}

type Fields<'a> = BTreeMap<Name<'a>, &'a RawValue>;

/// Merges the text of an update with the stored text.
///
/// The result has the new fields and the undeclared stored ones: at the top level, inside declared objects, and inside
/// items of declared lists with equal declared fields.
///
/// # Errors
/// When the stored text is not a JSON object.
pub(super) fn merge<'new>(
    declared: &[Field],
    stored: &str,
    new: &'new str,
) -> Result<Cow<'new, str>, serde_json::Error> {
    let stored: Borrowed<'_> = serde_json::from_str(stored)?;
    // Usual case first: every stored field is declared and none has objects, so the new text is used unchanged.
    let has_objects =
        |field: &Field| matches!(field.field_type, FieldType::Object(_) | FieldType::List(FieldType::Object(_)));
    let simple = |name: &str| name == "id" || declared.iter().any(|field| field.name == name && !has_objects(field));
    if stored.0.keys().all(|name| simple(&name.0)) {
        return Ok(Cow::Borrowed(new));
    }
    let fields: Borrowed<'_> = serde_json::from_str(new)?;
    Ok(merge_fields(declared, true, &stored.0, &fields.0)?.map_or(Cow::Borrowed(new), Cow::Owned))
}

/// Returns the merged text; `None` if the new fields can be used unchanged.
fn merge_fields(
    declared: &[Field],
    top: bool,
    stored: &Fields<'_>,
    new: &Fields<'_>,
) -> Result<Option<String>, serde_json::Error> {
    let mut kept: Vec<(&str, Cow<'_, str>)> = Vec::new();
    for (name, value) in stored {
        let text = name.0.as_ref();
        let field = declared.iter().find(|field| field.name == text);
        match (field, new.get(name)) {
            (None, None) if !(top && text == "id") => kept.push((text, Cow::Borrowed(value.get()))),
            (Some(Field { field_type: FieldType::Object(inner), .. }), Some(replacement)) => {
                if let Some(merged) = merge_objects(inner, value, replacement)? {
                    kept.push((text, Cow::Owned(merged)));
                }
            }
            (Some(Field { field_type: FieldType::List(FieldType::Object(inner)), .. }), Some(replacement)) => {
                if let Some(merged) = merge_lists(inner, value, replacement)? {
                    kept.push((text, Cow::Owned(merged)));
                }
            }
            _ => {}
        }
    }
    if kept.is_empty() {
        return Ok(None);
    }
    let replaced: Vec<&str> = kept.iter().map(|(name, _)| *name).collect();
    let fresh = new.iter().filter(|(name, _)| !replaced.contains(&name.0.as_ref()));
    let fresh = fresh.map(|(name, value)| (name.0.as_ref(), Cow::Borrowed(value.get())));
    let mut text = String::from("{");
    for (name, value) in fresh.chain(kept.iter().map(|(name, value)| (*name, Cow::Borrowed(value.as_ref())))) {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&serde_json::to_string(name)?);
        text.push(':');
        text.push_str(&value);
    }
    text.push('}');
    Ok(Some(text))
}

fn merge_objects(declared: &[Field], stored: &RawValue, new: &RawValue) -> Result<Option<String>, serde_json::Error> {
    // If one of the two is not an object, there is nothing to preserve and the new value is used.
    if !(stored.get().starts_with('{') && new.get().starts_with('{')) {
        return Ok(None);
    }
    let stored: Borrowed<'_> = serde_json::from_str(stored.get())?;
    let new: Borrowed<'_> = serde_json::from_str(new.get())?;
    merge_fields(declared, false, &stored.0, &new.0)
}

/// Merges lists. Items have no ids: an item is a stored one if their declared fields are equal, else it is new.
fn merge_lists(declared: &[Field], stored: &RawValue, new: &RawValue) -> Result<Option<String>, serde_json::Error> {
    // If these are not lists of objects, there is nothing to preserve.
    let Ok(mut stored) = items(stored) else { return Ok(None) };
    let is_declared = |name: &Name<'_>| declared.iter().any(|field| field.name == name.0.as_ref());
    if stored.iter().all(|item| item.fields.keys().all(is_declared)) {
        return Ok(None);
    }
    let mut merged = Vec::new();
    for item in items(new)? {
        let mut same = None;
        for (position, other) in stored.iter().enumerate() {
            if same.is_none() && other.declares_the_same(&item, declared)? {
                same = Some(position);
            }
        }
        merged.push(same.map_or(item.text, |position| stored.remove(position).text));
    }
    serde_json::to_string(&merged).map(Some)
}

/// An item of a list, as text and by field.
struct Item<'a> {
    text: &'a RawValue,
    fields: Fields<'a>,
}

/// Parses the items of a list of objects.
fn items(list: &RawValue) -> Result<Vec<Item<'_>>, serde_json::Error> {
    let texts: Vec<&RawValue> = serde_json::from_str(list.get())?;
    texts
        .into_iter()
        .map(|text| serde_json::from_str(text.get()).map(|Borrowed(fields)| Item { text, fields }))
        .collect()
}

impl Item<'_> {
    fn declares_the_same(&self, other: &Self, declared: &[Field]) -> Result<bool, serde_json::Error> {
        let value = |item: &Self, field: &Field| match item.fields.get(&Name(Cow::Borrowed(field.name))) {
            Some(value) => serde_json::from_str::<serde_json::Value>(value.get()),
            None => Ok(serde_json::Value::Null),
        };
        for field in declared {
            if value(self, field)? != value(other, field)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// An object whose values are kept as text.
#[derive(Deserialize)]
#[serde(transparent)]
struct Borrowed<'a>(#[serde(borrow)] Fields<'a>);

/// A field's name, borrowed unless it has escapes.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Name<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the name of a field")
            }
            fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const INNER: &[Field] = &[Field::new("a", FieldType::Integer)];
    const FIELDS: &[Field] = &[
        Field::new("name", FieldType::Text),
        Field::new("gone", FieldType::Text),
        Field::new("inner", FieldType::Object(INNER)),
        Field::new("items", FieldType::List(&FieldType::Object(INNER))),
    ];

    fn merged(stored: &str, new: &str) -> serde_json::Value {
        serde_json::from_str(&merge(FIELDS, stored, new).unwrap()).unwrap()
    }

    #[test]
    fn declared_fields_are_replaced_and_unknown_ones_stay() {
        let result =
            merged(r#"{"id":"1","name":"a","gone":"x","l\u0065gacy":[1.50, null]}"#, r#"{"id":"1","name":"b"}"#);
        assert_eq!(result, serde_json::json!({"id": "1", "name": "b", "legacy": [1.50, null]}));
    }

    #[test]
    fn unknown_fields_inside_of_objects_stay_unless_the_object_goes() {
        let stored = r#"{"id":"1","inner":{"a":1,"b":2}}"#;
        let result = merged(stored, r#"{"id":"1","inner":{"a":3}}"#);
        assert_eq!(result, serde_json::json!({"id": "1", "inner": {"a": 3, "b": 2}}));
        assert_eq!(merged(stored, r#"{"id":"1"}"#), serde_json::json!({"id": "1"}));
        let replaced = merged(r#"{"id":"1","inner":null}"#, r#"{"id":"1","inner":{"a":3}}"#);
        assert_eq!(replaced, serde_json::json!({"id": "1", "inner": {"a": 3}}));
    }

    #[test]
    fn the_new_text_stands_when_nothing_is_unknown() {
        let new = r#"{"id":"1",  "name":"b","inner":{"a":4}}"#;
        assert!(matches!(merge(FIELDS, r#"{"id":"1","name":"a"}"#, new), Ok(Cow::Borrowed(text)) if text == new));
        assert!(matches!(merge(FIELDS, r#"{"inner":{"a":1}}"#, new), Ok(Cow::Borrowed(text)) if text == new));
        assert!(merge(FIELDS, "[]", new).is_err());
    }

    #[test]
    fn numbers_keep_their_digits() {
        let kept = merge(FIELDS, r#"{"old":1.10000000000000000001}"#, "{}").unwrap();
        assert_eq!(kept, r#"{"old":1.10000000000000000001}"#);
    }

    #[test]
    fn unknown_fields_of_items_stay_while_the_item_is_the_same() {
        let stored = r#"{"id":"1","items":[{"a":1,"b":2},{"b":3,"a":2},{"a":2,"b":4},{"a":null,"b":5}]}"#;
        let new = r#"{"id":"1","items":[{"a":2},{"a":1},{"a":7},{"a":1},{}]}"#;
        let items = serde_json::json!([{"b": 3, "a": 2}, {"a": 1, "b": 2}, {"a": 7}, {"a": 1}, {"a": null, "b": 5}]);
        assert_eq!(merged(stored, new), serde_json::json!({"id": "1", "items": items}));
        assert_eq!(merged(stored, r#"{"id":"1","items":[]}"#), serde_json::json!({"id": "1", "items": []}));
        assert_eq!(merged(r#"{"items":[1]}"#, new), serde_json::from_str::<serde_json::Value>(new).unwrap());
    }
}
