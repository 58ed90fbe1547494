//! Patches (RFC 7644 §3.5.2).

use scim_v2::filter::{AttrExp, AttrPath, CompValue, CompareOp, PatchPath, ValFilter};
use serde_json::{Map, Value};

use super::{
    MemberChange, PATCH_OP, Resource, Schema, filter, invalid_syntax, invalid_value, members, quoted,
    resource::{self, clean, is_primary},
    schema::{Attribute, ENTERPRISE, Kind},
};
use crate::error::{Code, Error, Result};

/// Largest number of operations of a patch.
const MOST_OPERATIONS: usize = 1_000;

/// The kind of change of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

/// The place that an operation changes.
#[derive(Debug, Clone)]
enum Target {
    /// The resource itself.
    Resource,
    /// An attribute, or a sub-attribute of it.
    Attribute(&'static Attribute, Option<&'static Attribute>),
    /// Those of several values that fit, or a sub-attribute of them.
    Values(&'static Attribute, ValFilter, Option<&'static Attribute>),
    /// An attribute that is accepted and not stored.
    NotStored,
}

/// An operation of a patch.
#[derive(Debug, Clone)]
struct Operation {
    verb: Verb,
    target: Target,
    value: Value,
}

/// A patch whose attributes are those of a schema.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Patch {
    schema: &'static Schema,
    operations: Vec<Operation>,
    /// The change of the members, if it is of a group.
    pub members: MemberChange,
}

impl Patch {
    /// Reads a patch.
    ///
    /// The names of its operations may have any case, since Entra ID sends `Add` and `Replace`. An operation without a path may
    /// name paths in its value, as Entra ID does too.
    ///
    /// # Errors
    /// `scim_invalid_syntax`, `scim_invalid_path`, `scim_invalid_filter`, `scim_invalid_value`, `scim_mutability` or
    /// `scim_no_target`.
    pub fn read(schema: &'static Schema, body: Value) -> Result<Self> {
        let Value::Object(mut body) = body else {
            return Err(invalid_syntax("the body must be a JSON object: a patch"));
        };
        let mut take = |name: &str| {
            let key = body.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned();
            key.and_then(|key| body.remove(&key))
        };
        let is_patch = |schemas: &Value| schemas.as_array().is_some_and(|all| all.iter().any(|one| *one == PATCH_OP));
        if !take("schemas").is_none_or(|schemas| is_patch(&schemas)) {
            return Err(invalid_syntax(format!("`schemas` must name `{PATCH_OP}`")));
        }
        let Some(Value::Array(operations)) = take("Operations") else {
            return Err(invalid_syntax("`Operations` must be a list of operations"));
        };
        if operations.is_empty() || operations.len() > MOST_OPERATIONS {
            return Err(invalid_syntax(format!("`Operations` must have 1 to {MOST_OPERATIONS} operations")));
        }
        let mut patch = Self { schema, operations: Vec::new(), members: MemberChange::default() };
        for operation in operations {
            patch.take(operation)?;
        }
        Ok(patch)
    }

    fn take(&mut self, operation: Value) -> Result<()> {
        let Value::Object(mut members) = operation else {
            return Err(invalid_syntax("an operation must be an object"));
        };
        let verb = match members.get("op").and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
            Some("add") => Verb::Add,
            Some("replace") => Verb::Replace,
            Some("remove") => Verb::Remove,
            _ => return Err(invalid_syntax("`op` must be `add`, `replace` or `remove`")),
        };
        let value = members.remove("value").unwrap_or_default();
        let target = match members.get("path") {
            None | Some(Value::Null) => Target::Resource,
            Some(Value::String(path)) => target(self.schema, path)?,
            Some(_) => return Err(Error::new(Code::SCIM_INVALID_PATH, "`path` must be a text")),
        };
        match (target, verb) {
            (Target::Resource, Verb::Remove) => {
                Err(Error::new(Code::SCIM_NO_TARGET, "`remove` needs a `path`: to remove a resource, use `DELETE`"))
            }
            (Target::Resource, verb) => {
                let Value::Object(values) = value else {
                    return Err(invalid_value("without a `path`, `value` must be an object of attributes"));
                };
                for (path, value) in values {
                    // What is unknown is ignored, as in a whole resource.
                    if let Ok(target) = writable_target(self.schema, &path) {
                        self.note(Operation { verb, target, value })?;
                    }
                }
                Ok(())
            }
            (target, verb) => self.note(Operation { verb, target, value }),
        }
    }

    fn note(&mut self, operation: Operation) -> Result<()> {
        let Operation { verb, target, value } = &operation;
        let attribute = match target {
            Target::NotStored => return Ok(()),
            Target::Resource => return Err(invalid_syntax("an operation must have a `path`")),
            Target::Attribute(attribute, _) | Target::Values(attribute, ..) => attribute,
        };
        if attribute.read_only {
            let message = format!("`{}` is set by the service alone", attribute.name);
            return Err(Error::new(Code::SCIM_MUTABILITY, message));
        }
        if attribute.name != "members" {
            self.operations.push(operation);
            return Ok(());
        }
        match (target, verb) {
            (Target::Attribute(_, None), Verb::Add) => self.members.add(members::read(value)?),
            (Target::Attribute(_, None), Verb::Replace) => self.members = MemberChange::to(members::read(value)?),
            // Entra ID and Authentik name those to remove in the value.
            (Target::Attribute(_, None), Verb::Remove) if !value.is_null() => {
                self.members.remove(members::read(value)?)
            }
            (Target::Attribute(_, None), Verb::Remove) => self.members = MemberChange::to([].into()),
            (Target::Values(_, filter, None), Verb::Remove) => self.members.remove(members::named(filter)?),
            _ => {
                let message = "a member is added, or removed by `members[value eq \"ID\"]`, and not changed";
                return Err(Error::new(Code::SCIM_INVALID_PATH, message));
            }
        }
        Ok(())
    }

    /// Applies it to a resource.
    ///
    /// # Errors
    /// `scim_invalid_value`, `scim_mutability` or `scim_no_target`.
    pub fn apply(&self, resource: &mut Resource) -> Result<()> {
        for operation in &self.operations {
            let before = resource.clone();
            perform(resource, operation)?;
            keep_one_primary(resource, &before);
        }
        let cleaned = resource::clean_all(self.schema, std::mem::take(resource))?;
        resource::check(self.schema, &cleaned)?;
        *resource = cleaned;
        Ok(())
    }
}

fn invalid_path(path: &str) -> Error {
    let message = format!("`{}` is no path of an attribute: see `/Schemas`", quoted(path));
    Error::new(Code::SCIM_INVALID_PATH, message)
}

/// Reads a path.
fn target(schema: &'static Schema, path: &str) -> Result<Target> {
    let is_extension = path.get(..ENTERPRISE.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(ENTERPRISE));
    if is_extension {
        return Ok(Target::NotStored);
    }
    if path.len() > filter::LONGEST {
        return Err(invalid_path(path));
    }
    let parsed: PatchPath = path.parse().map_err(|_| invalid_path(path))?;
    let attribute = |of: &AttrPath| -> Result<Option<&'static Attribute>> {
        let of_schema = of.uri.as_deref().is_none_or(|uri| uri.eq_ignore_ascii_case(schema.urn));
        if of_schema && schema.leaves_out(&of.name) {
            return Ok(None);
        }
        schema.attribute(&of.name).filter(|_| of_schema).map(Some).ok_or_else(|| invalid_path(path))
    };
    let sub = |attribute: &'static Attribute, name: Option<&String>| match name {
        None => Ok(Some(None)),
        Some(name) => match attribute.sub(name) {
            Some(sub) => Ok(Some(Some(sub))),
            // Such as `name.middleName`, or `emails[…].display`: sub-attributes that are not stored.
            None if !attribute.sub.is_empty() => Ok(None),
            None => Err(invalid_path(path)),
        },
    };
    Ok(match &parsed {
        PatchPath::Attr(of) => match attribute(of)? {
            None => Target::NotStored,
            Some(attribute) => match sub(attribute, of.sub_attr.as_ref())? {
                None => Target::NotStored,
                Some(sub) => Target::Attribute(attribute, sub),
            },
        },
        PatchPath::Value(of) => match attribute(&of.attr)? {
            None => Target::NotStored,
            Some(attribute) if !attribute.multi_valued => return Err(invalid_path(path)),
            Some(attribute) => {
                filter::check_values(attribute, &of.filter)?;
                match sub(attribute, of.sub_attr.as_ref())? {
                    None => Target::NotStored,
                    Some(sub) => Target::Values(attribute, of.filter.clone(), sub),
                }
            }
        },
    })
}

/// Reads a path that a value names. One of an attribute that the service sets is ignored.
fn writable_target(schema: &'static Schema, path: &str) -> Result<Target> {
    match target(schema, path)? {
        Target::Attribute(attribute, _) | Target::Values(attribute, ..) if attribute.read_only => Ok(Target::NotStored),
        target => Ok(target),
    }
}

fn perform(resource: &mut Resource, operation: &Operation) -> Result<()> {
    match (&operation.target, operation.verb) {
        (Target::Resource | Target::NotStored, _) => Ok(()),
        (Target::Attribute(attribute, None), Verb::Remove) => {
            remove(resource, attribute, &operation.value);
            Ok(())
        }
        (Target::Attribute(attribute, None), verb) => {
            let value = clean(attribute, operation.value.clone())?;
            set(resource, attribute, verb, value);
            Ok(())
        }
        (Target::Attribute(attribute, Some(sub)), verb) => set_sub(resource, attribute, sub, verb, &operation.value),
        (Target::Values(attribute, filter, sub), verb) => {
            change_values(resource, (attribute, filter, *sub), verb, &operation.value)
        }
    }
}

/// Removes an attribute, or those of its values that are named.
fn remove(resource: &mut Resource, attribute: &Attribute, named: &Value) {
    let named: Vec<&Value> = match named {
        Value::Array(all) => all.iter().collect(),
        Value::Null => Vec::new(),
        single => vec![single],
    };
    if !attribute.multi_valued || named.is_empty() {
        resource.remove(attribute.name);
        return;
    }
    let is_named =
        |value: &Value| named.iter().any(|one| one.get("value").unwrap_or(one) == value.get("value").unwrap_or(value));
    if let Some(Value::Array(values)) = resource.get_mut(attribute.name) {
        values.retain(|value| !is_named(value));
    }
}

/// Adds or replaces the value of an attribute. The sub-attributes of a single complex value that are not named stay.
fn set(resource: &mut Resource, attribute: &Attribute, verb: Verb, value: Option<Value>) {
    let name = attribute.name;
    let Some(value) = value else {
        if verb == Verb::Replace {
            resource.remove(name);
        }
        return;
    };
    match (resource.get_mut(name), value) {
        (Some(Value::Array(present)), Value::Array(values)) if verb == Verb::Add => {
            for value in values {
                if !present.contains(&value) {
                    present.push(value);
                }
            }
        }
        (Some(Value::Object(present)), Value::Object(values)) if !attribute.multi_valued => present.extend(values),
        (_, value) => drop(resource.insert(name.to_owned(), value)),
    }
}

/// Sets or removes a sub-attribute: of a single value, or of each of several.
fn set_sub(resource: &mut Resource, attribute: &Attribute, sub: &Attribute, verb: Verb, value: &Value) -> Result<()> {
    let value = if verb == Verb::Remove { None } else { clean(sub, value.clone())? };
    let write = |members: &mut Map<String, Value>| match &value {
        Some(value) => drop(members.insert(sub.name.to_owned(), value.clone())),
        None => drop(members.remove(sub.name)),
    };
    match resource.get_mut(attribute.name) {
        Some(Value::Object(members)) => write(members),
        Some(Value::Array(values)) => values.iter_mut().filter_map(Value::as_object_mut).for_each(write),
        _ if value.is_none() => {}
        _ => {
            let mut members = Map::new();
            write(&mut members);
            let single = Value::Object(members);
            let made = if attribute.multi_valued { Value::Array(vec![single]) } else { single };
            resource.insert(attribute.name.to_owned(), made);
        }
    }
    Ok(())
}

/// Changes those of several values that fit. `add` makes one if none does, with what the filter says of it.
fn change_values(
    resource: &mut Resource,
    (attribute, filter, sub): (&'static Attribute, &ValFilter, Option<&'static Attribute>),
    verb: Verb,
    value: &Value,
) -> Result<()> {
    let fits = |value: &Value| filter::value_holds(filter, attribute, value);
    let mut values = match resource.remove(attribute.name) {
        Some(Value::Array(values)) => values,
        _ => Vec::new(),
    };
    let members: Map<String, Value> = match (verb, sub) {
        (Verb::Remove, None) => {
            values.retain(|value| !fits(value));
            put(resource, attribute, values);
            return Ok(());
        }
        (Verb::Remove, Some(sub)) => Map::from_iter([(sub.name.to_owned(), Value::Null)]),
        (_, Some(sub)) => Map::from_iter([(sub.name.to_owned(), clean(sub, value.clone())?.unwrap_or_default())]),
        (_, None) => match clean(attribute, value.clone())? {
            Some(Value::Array(all)) => match all.into_iter().next() {
                Some(Value::Object(members)) => members,
                _ => Map::new(),
            },
            _ => return Err(invalid_value(format!("`value` must be one of `{}`", attribute.name))),
        },
    };
    let mut found = false;
    for value in values.iter_mut().filter(|value| fits(value)).filter_map(Value::as_object_mut) {
        found = true;
        value.extend(members.clone());
        value.retain(|_, member| !member.is_null());
    }
    if !found && verb == Verb::Replace {
        let message = format!("no value of `{}` fits the filter", attribute.name);
        put(resource, attribute, values);
        return Err(Error::new(Code::SCIM_NO_TARGET, message));
    }
    if !found && verb == Verb::Add {
        let mut made = said(filter, attribute);
        made.extend(members);
        values.push(Value::Object(made));
    }
    put(resource, attribute, values);
    Ok(())
}

fn put(resource: &mut Resource, attribute: &Attribute, values: Vec<Value>) {
    if !values.is_empty() {
        resource.insert(attribute.name.to_owned(), Value::Array(values));
    }
}

/// Returns the sub-attributes that a value must have to fit.
fn said(filter: &ValFilter, attribute: &Attribute) -> Map<String, Value> {
    match filter {
        ValFilter::Attr(AttrExp::Comparison(path, CompareOp::Eq, value)) => {
            let value = match value {
                CompValue::Str(text) => Value::String(text.clone()),
                CompValue::True => Value::Bool(true),
                CompValue::False => Value::Bool(false),
                CompValue::Null | CompValue::Number(_) => return Map::new(),
            };
            let named = attribute.sub(&path.name).filter(|sub| sub.kind != Kind::Complex);
            named.map(|sub| (sub.name.to_owned(), value)).into_iter().collect()
        }
        ValFilter::And(all) => all.iter().flat_map(|one| said(one, attribute)).collect(),
        _ => Map::new(),
    }
}

/// Makes those values that were primary before no longer so, if another one has become primary (RFC 7644 §3.5.2).
fn keep_one_primary(resource: &mut Resource, before: &Resource) {
    for (name, value) in resource.iter_mut() {
        let Some(values) = value.as_array_mut() else { continue };
        if values.iter().filter(|value| is_primary(value)).count() < 2 {
            continue;
        }
        let was = before.get(name).and_then(Value::as_array);
        let old = |value: &Value| was.is_some_and(|was| was.contains(value));
        if values.iter().any(|value| is_primary(value) && !old(value)) {
            for value in values.iter_mut().filter(|value| is_primary(value)) {
                if was.is_some_and(|was| was.contains(value))
                    && let Some(members) = value.as_object_mut()
                {
                    members.insert("primary".to_owned(), Value::Bool(false));
                }
            }
        }
    }
}
