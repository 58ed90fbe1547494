//! Values and documents between the port and SQL. Pure.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

use crate::store::{Field, FieldType, Value};

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

/// A value as `json_extract` gives it: ids and times are their JSON text, truth is 1 or 0.
pub(super) fn parameter(value: &Value) -> Parameter {
    match value {
        Value::Text(text) => Parameter::text(text.clone()),
        Value::Integer(number) => Parameter::Integer(*number),
        Value::Boolean(truth) => Parameter::Integer(i64::from(*truth)),
        Value::Id(id) => Parameter::text(id.to_string()),
        Value::Time(time) => Parameter::text(time.to_string()),
    }
}

/// Values as one JSON array for `json_each`, so that lists of every length share one statement.
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

/// Texts as one JSON array.
pub(super) fn text_list(texts: &[String]) -> Parameter {
    Parameter::text(serde_json::Value::from(texts).to_string())
}

/// The least text that is larger than every text with this prefix; none if there is no such text.
///
/// The order of UTF-8 bytes is that of code points, so the last character that has a successor is replaced by it.
pub(super) fn after_prefix(prefix: &str) -> Option<String> {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        // Between these two lie the surrogates, which are no characters.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

/// The version that a document's JSON states; 0 if it states none.
pub(super) fn version(json: &str) -> Result<u64, serde_json::Error> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(default)]
        version: u64,
    }
    serde_json::from_str::<Head>(json).map(|head| head.version)
}

type Fields<'a> = BTreeMap<Name<'a>, &'a RawValue>;

/// The text of a document after an update: the new fields, and of the stored ones those that are not declared, at the
/// top and inside of declared objects.
///
/// # Errors
/// When the stored text is no JSON object.
pub(super) fn merge<'new>(
    declared: &[Field],
    stored: &str,
    new: &'new str,
) -> Result<Cow<'new, str>, serde_json::Error> {
    let stored: Borrowed<'_> = serde_json::from_str(stored)?;
    // Usual case first: every stored field is declared and none is an object, so that the new text stands as it is.
    let simple = |name: &str| {
        name == "id"
            || declared.iter().any(|field| field.name == name && !matches!(field.field_type, FieldType::Object(_)))
    };
    if stored.0.keys().all(|name| simple(&name.0)) {
        return Ok(Cow::Borrowed(new));
    }
    let fields: Borrowed<'_> = serde_json::from_str(new)?;
    Ok(merge_fields(declared, true, &stored.0, &fields.0)?.map_or(Cow::Borrowed(new), Cow::Owned))
}

/// The merged text, or none if the new fields stand as they are.
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
    // Where one of the two is no object there is nothing to keep: the new value stands.
    if !(stored.get().starts_with('{') && new.get().starts_with('{')) {
        return Ok(None);
    }
    let stored: Borrowed<'_> = serde_json::from_str(stored.get())?;
    let new: Borrowed<'_> = serde_json::from_str(new.get())?;
    merge_fields(declared, false, &stored.0, &new.0)
}

/// An object whose values are left as text.
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
    fn the_text_after_a_prefix_follows_all_that_begin_with_it() {
        assert_eq!(after_prefix("a").unwrap(), "b");
        assert_eq!(after_prefix("a\u{10ffff}").unwrap(), "b");
        assert_eq!(after_prefix("\u{d7ff}").unwrap(), "\u{e000}");
        assert_eq!(after_prefix("\u{ffff}").unwrap(), "\u{10000}");
        assert_eq!(after_prefix("\u{10ffff}"), None);
        assert_eq!(after_prefix(""), None);
    }
}
