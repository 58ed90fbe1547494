//! Bodies of requests, checked as the serializers check them.

use http::header;
use serde_json::{Map, Value, json};

use super::{
    answer::{Problems, Refusal, invalid},
    resource::{Field, Kind, Resource, Type},
    state::State,
};
use crate::emulators::Exchange;

/// Reads a body in JSON.
pub(super) fn body(exchange: &Exchange) -> Result<Map<String, Value>, Refusal> {
    let media_type =
        exchange.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media_type.starts_with("application/json") {
        return Err(Refusal::UnsupportedMediaType(media_type.to_owned()));
    }
    match serde_json::from_slice(&exchange.body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(invalid("non_field_errors", "Invalid data. Expected a dictionary, but got another type.")),
        Err(_) => Err(Refusal::NoJson),
    }
}

/// Checks the fields for an object, which has an id if it exists. Unknown fields are ignored.
pub(super) fn fields(
    state: &State,
    resource: &Resource,
    mut body: Map<String, Value>,
    existing: Option<&str>,
) -> Result<Map<String, Value>, Refusal> {
    let (mut fields, mut problems) = (Map::new(), Problems::new());
    body.retain(|field, _| !state.ignored.contains(field));
    for field in resource.fields.iter().filter(|field| field.is_in(state.release)) {
        let checked = match body.remove(field.name) {
            None if field.required && existing.is_none() => Err("This field is required.".to_owned()),
            None => continue,
            Some(value) => {
                check(state, field.of, value).and_then(|value| unique(state, resource, field, value, existing))
            }
        };
        match checked {
            Ok(value) => {
                fields.insert(field.name.to_owned(), value);
            }
            Err(text) => {
                problems.insert(field.name.to_owned(), vec![text]);
            }
        }
    }
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    whole(state, resource.kind, &fields, existing)?;
    Ok(fields)
}

/// Checks a value by its type.
fn check(state: &State, of: Type, value: Value) -> Result<Value, String> {
    if value.is_null() {
        return if matches!(of, Type::OneOrNone(_)) {
            Ok(value)
        } else {
            Err("This field may not be null.".to_owned())
        };
    }
    match of {
        Type::Text | Type::Blank | Type::Slug => text(of, &value),
        Type::Boolean if value.is_boolean() => Ok(value),
        Type::Boolean => Err("Must be a valid boolean.".to_owned()),
        Type::Integer if value.is_i64() => Ok(value),
        Type::Integer => Err("A valid integer is required.".to_owned()),
        Type::Object if value.is_object() => Ok(value),
        Type::Object => Err("Value must be a dictionary, and not have any duplicate keys.".to_owned()),
        Type::Choice(choices) => choice(choices, &value).map(|()| value),
        Type::Choices(choices) => each(value, |value| choice(choices, &value).map(|()| value)),
        Type::One(kind) | Type::OneOrNone(kind) => reference(state, kind, value),
        Type::Many(kind) => each(value, |value| reference(state, kind, value)),
        Type::RedirectUris => each(value, |value| redirect_uri(state, &value)),
    }
}

fn text(of: Type, value: &Value) -> Result<Value, String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return Err("Not a valid string.".to_owned()),
    };
    if text.contains('\0') {
        return Err("Null characters are not allowed.".to_owned());
    }
    if text.is_empty() && !matches!(of, Type::Blank) {
        return Err("This field may not be blank.".to_owned());
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if matches!(of, Type::Slug) && !text.bytes().all(fits) {
        let message = "Enter a valid “slug” consisting of letters, numbers, underscores or hyphens.";
        return Err(message.to_owned());
    }
    Ok(json!(text))
}

fn choice(choices: &[&str], value: &Value) -> Result<(), String> {
    let known = value.as_str().is_some_and(|value| choices.contains(&value));
    if known { Ok(()) } else { Err(format!("{value} is not a valid choice.")) }
}

fn each(value: Value, check: impl Fn(Value) -> Result<Value, String>) -> Result<Value, String> {
    match value {
        Value::Array(values) => values.into_iter().map(check).collect::<Result<Vec<_>, _>>().map(Value::Array),
        _ => Err("Expected a list of items but got another type.".to_owned()),
    }
}

fn reference(state: &State, kind: Kind, pk: Value) -> Result<Value, String> {
    if state.by_pk(kind, &pk).is_some() {
        return Ok(pk);
    }
    match &pk {
        Value::String(text) if !is_uuid(text) => Err(format!("“{text}” is not a valid UUID.")),
        Value::String(text) => Err(format!("Invalid pk \"{text}\" - object does not exist.")),
        _ => Err(format!("Invalid pk \"{pk}\" - object does not exist.")),
    }
}

fn redirect_uri(state: &State, value: &Value) -> Result<Value, String> {
    let matching_mode = value.get("matching_mode").and_then(Value::as_str).unwrap_or_default();
    let url = value.get("url").and_then(Value::as_str).unwrap_or_default();
    if !matches!(matching_mode, "strict" | "regex") || url.is_empty() {
        return Err("Each entry needs a `matching_mode` and a `url`.".to_owned());
    }
    let mut stored = json!({ "matching_mode": matching_mode, "url": url });
    if let Some(fields) = stored.as_object_mut().filter(|_| state.release >= (2026, 5)) {
        let of = value.get("redirect_uri_type").cloned().unwrap_or_else(|| json!("authorization"));
        fields.insert("redirect_uri_type".to_owned(), of);
    }
    Ok(stored)
}

/// Checks that no other object has a value that must be unique. Letters count with their case.
fn unique(
    state: &State,
    resource: &Resource,
    field: &Field,
    value: Value,
    existing: Option<&str>,
) -> Result<Value, String> {
    let Some(label) = field.unique.filter(|_| !value.is_null()) else { return Ok(value) };
    let mut others = state.objects(resource.kind).iter().filter(|(id, _)| existing != Some(id.as_str()));
    if others.any(|(_, other)| other.fields.get(field.name) == Some(&value)) {
        return Err(format!("{} with this {label} already exists.", resource.label));
    }
    Ok(value)
}

/// Checks the fields together.
fn whole(state: &State, kind: Kind, fields: &Map<String, Value>, existing: Option<&str>) -> Result<(), Refusal> {
    let given = |field: &str| fields.get(field).is_some_and(|value| !value.is_null());
    match kind {
        // The serializer looks at the target even if a change does not name it.
        Kind::Binding if !given("target") => Err(Refusal::Failed),
        Kind::Binding if given("group") && given("user") => {
            Err(invalid("non_field_errors", "Only one of 'policy', 'group', 'user' can be set."))
        }
        Kind::Binding if !given("group") && !given("user") => {
            Err(invalid("non_field_errors", "One of 'policy', 'group', 'user' must be set."))
        }
        Kind::Brand if fields.get("default") == Some(&json!(true)) => {
            let mut others = state.objects(kind).iter().filter(|(id, _)| existing != Some(id.as_str()));
            if others.any(|(_, brand)| brand.flag("default")) {
                return Err(invalid("default", "Only a single brand can be set as default."));
            }
            Ok(())
        }
        Kind::Provider if given("secret") && !state.has_right("authentik_secrets.view_secret_value") => {
            Err(Refusal::Forbidden)
        }
        _ => Ok(()),
    }
}

/// Returns `true` if a text has the form of a UUID.
pub(super) fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
