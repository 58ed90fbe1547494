//! Reads resources that clients send: attributes by their schema, others left out.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    Resource, Schema, invalid_syntax, invalid_value, quoted,
    schema::{Attribute, Kind},
};
use crate::{domain::UserId, error::Result};

/// Reads a whole resource (RFC 7644 §3.3, §3.5.1).
///
/// Attributes that the service sets are ignored, and so are those that are not stored. `null` and an empty list are no value
/// (RFC 7643 §2.5).
///
/// # Errors
/// `scim_invalid_syntax` or `scim_invalid_value`, naming the attribute.
pub fn read(schema: &Schema, body: Value) -> Result<Resource> {
    let Value::Object(members) = body else {
        return Err(invalid_syntax("the body must be a JSON object: a resource"));
    };
    if let Some(schemas) = member(&members, "schemas") {
        let named = schemas.as_array().is_some_and(|all| all.iter().any(|one| is_urn(one, schema.urn)));
        if !named {
            return Err(invalid_syntax(format!("`schemas` must name `{}`", schema.urn)));
        }
    }
    let resource = clean_all(schema, members)?;
    check(schema, &resource)?;
    Ok(resource)
}

/// Reads a whole group: its attributes, and its members apart.
///
/// # Errors
/// As [`read`].
pub fn read_group(schema: &Schema, mut body: Value) -> Result<(Resource, BTreeSet<UserId>)> {
    let key =
        body.as_object().and_then(|members| members.keys().find(|key| key.eq_ignore_ascii_case("members")).cloned());
    let members = key.and_then(|key| body.as_object_mut()?.remove(&key)).unwrap_or_default();
    Ok((read(schema, body)?, super::members::read(&members)?))
}

fn is_urn(value: &Value, urn: &str) -> bool {
    value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(urn))
}

/// Returns a member whatever the case of its name.
fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.iter().find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Returns the attributes that are stored, with the names of the schema.
pub(super) fn clean_all(schema: &Schema, members: Map<String, Value>) -> Result<Resource> {
    let mut resource = Resource::new();
    for (name, value) in members {
        let Some(attribute) = schema.attribute(&name).filter(|attribute| !attribute.read_only) else { continue };
        if let Some(value) = clean(attribute, value)? {
            resource.insert(attribute.name.to_owned(), value);
        }
    }
    Ok(resource)
}

/// Checks what relates several attributes of a resource.
///
/// # Errors
/// `scim_invalid_value`, naming the attribute.
pub(super) fn check(schema: &Schema, resource: &Resource) -> Result<()> {
    for attribute in schema.attributes.iter().filter(|attribute| attribute.required) {
        if resource.get(attribute.name).and_then(Value::as_str).is_none_or(|text| text.trim().is_empty()) {
            return Err(invalid_value(format!("`{}` is required", attribute.name)));
        }
    }
    for (name, value) in resource {
        if value.as_array().is_some_and(|values| values.iter().filter(|value| is_primary(value)).count() > 1) {
            return Err(invalid_value(format!("only one of `{name}` can be primary")));
        }
    }
    Ok(())
}

/// Returns `true` for the primary one of several values.
pub(super) fn is_primary(value: &Value) -> bool {
    value.get("primary").and_then(Value::as_bool).unwrap_or_default()
}

/// Reads the value of an attribute; `None` if it is no value.
///
/// # Errors
/// `scim_invalid_value`, naming the attribute.
pub(super) fn clean(attribute: &Attribute, value: Value) -> Result<Option<Value>> {
    if value.is_null() {
        return Ok(None);
    }
    if !attribute.multi_valued {
        return one(attribute, value);
    }
    let values = match value {
        Value::Array(values) => values,
        single => vec![single],
    };
    if values.len() > attribute.most {
        return Err(invalid_value(format!("`{}` has more than {} values", attribute.name, attribute.most)));
    }
    let cleaned = values.into_iter().filter(|value| !value.is_null()).map(|value| one(attribute, value));
    let cleaned: Vec<Value> = cleaned.filter_map(Result::transpose).collect::<Result<_>>()?;
    Ok((!cleaned.is_empty()).then_some(Value::Array(cleaned)))
}

fn one(attribute: &Attribute, value: Value) -> Result<Option<Value>> {
    let name = attribute.name;
    match attribute.kind {
        Kind::Complex => complex(attribute, value),
        Kind::Boolean => boolean(&value)
            .map(|value| Some(Value::Bool(value)))
            .ok_or_else(|| invalid_value(format!("`{name}` must be `true` or `false`"))),
        Kind::String | Kind::DateTime | Kind::Reference => {
            let Value::String(text) = value else { return Err(invalid_value(format!("`{name}` must be a text"))) };
            if text.chars().count() > attribute.longest {
                return Err(invalid_value(format!("`{name}` must have at most {} characters", attribute.longest)));
            }
            Ok(Some(Value::String(text)))
        }
    }
}

fn complex(attribute: &Attribute, value: Value) -> Result<Option<Value>> {
    let Value::Object(members) = value else {
        return Err(invalid_value(format!("`{}` must be an object", attribute.name)));
    };
    let mut cleaned = Map::new();
    for (name, value) in members {
        let Some(sub) = attribute.sub(&name) else { continue };
        if let Some(value) = clean(sub, value).map_err(|_| {
            invalid_value(format!("`{}.{}` is not of the type that the schema tells", attribute.name, quoted(&name)))
        })? {
            cleaned.insert(sub.name.to_owned(), value);
        }
    }
    Ok((!cleaned.is_empty()).then_some(Value::Object(cleaned)))
}

/// Reads a boolean. Entra ID sends texts such as `"False"`
/// (<https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-config-problem-scim-compatibility>).
fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}
