//! Filters (RFC 7644 §3.4.2.2) on resources, by the types and the case rules of their schema.

use std::cmp::Ordering;

use scim_v2::filter::{AttrExp, AttrPath, CompValue, CompareOp, Filter, ValFilter};
use serde_json::Value;

use super::{
    Resource, Schema, quoted,
    schema::{Attribute, Kind},
};
use crate::{
    clock::Timestamp,
    error::{Code, Error, Result},
};

/// Largest number of bytes of a filter or a path.
pub(super) const LONGEST: usize = 4_096;

/// A filter whose attributes are those of a schema.
#[derive(Debug, Clone)]
pub struct Condition {
    filter: Filter,
    schema: &'static Schema,
}

/// An attribute that a filter compares, or one that is accepted and not stored.
enum Named {
    Attribute(&'static Attribute, Option<&'static Attribute>),
    NotStored,
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Code::SCIM_INVALID_FILTER, message.into())
}

impl Condition {
    /// Reads a filter.
    ///
    /// # Errors
    /// `scim_invalid_filter` if it does not fit the grammar, names an attribute that there is none of, or compares one with a
    /// value of another type.
    pub fn read(schema: &'static Schema, text: &str) -> Result<Self> {
        if text.len() > LONGEST {
            return Err(invalid(format!("the filter must have at most {LONGEST} bytes")));
        }
        let filter: Filter = text.parse().map_err(|_| {
            let message = format!("`{}` is no filter: write one such as `userName eq \"anna\"`", quoted(text));
            invalid(message)
        })?;
        let condition = Self { filter, schema };
        condition.check(&condition.filter)?;
        Ok(condition)
    }

    /// Returns `true` if a resource fits.
    #[must_use]
    pub fn fits(&self, resource: &Resource) -> bool {
        self.holds(&self.filter, resource)
    }

    /// Returns the value that an attribute must have, if the filter can only fit then.
    #[must_use]
    pub fn required(&self, attribute: &str) -> Option<&str> {
        let is_meant = |filter: &&Filter| match filter {
            Filter::Attr(AttrExp::Comparison(path, CompareOp::Eq, CompValue::Str(_))) => {
                path.sub_attr.is_none() && path.name.eq_ignore_ascii_case(attribute)
            }
            _ => false,
        };
        let found = match &self.filter {
            Filter::And(all) => all.iter().find(is_meant),
            one => Some(one).filter(is_meant),
        };
        match found {
            Some(Filter::Attr(AttrExp::Comparison(_, _, CompValue::Str(text)))) => Some(text),
            _ => None,
        }
    }

    /// Returns `true` if the filter compares an attribute.
    #[must_use]
    pub fn mentions(&self, attribute: &str) -> bool {
        mentions(&self.filter, attribute)
    }

    fn check(&self, filter: &Filter) -> Result<()> {
        match filter {
            Filter::Attr(expression) => self.named(expression).map(drop),
            Filter::Not(inner) => self.check(inner),
            Filter::And(all) | Filter::Or(all) => all.iter().try_for_each(|one| self.check(one)),
            Filter::ValuePath(path) => match resolve(self.schema, &path.attr)? {
                Named::Attribute(attribute, None) if attribute.multi_valued => check_values(attribute, &path.filter),
                Named::NotStored => Ok(()),
                Named::Attribute(attribute, _) => {
                    Err(invalid(format!("`{}` has a single value: leave the brackets out", attribute.name)))
                }
            },
        }
    }

    fn named(&self, expression: &AttrExp) -> Result<Named> {
        let (AttrExp::Present(path) | AttrExp::Comparison(path, ..)) = expression;
        let named = resolve(self.schema, path)?;
        if let (Named::Attribute(attribute, sub), AttrExp::Comparison(_, operator, value)) = (&named, expression) {
            check_types(compared(attribute, *sub), operator, value)?;
        }
        Ok(named)
    }

    fn holds(&self, filter: &Filter, resource: &Resource) -> bool {
        match filter {
            Filter::Not(inner) => !self.holds(inner, resource),
            Filter::And(all) => all.iter().all(|one| self.holds(one, resource)),
            Filter::Or(all) => all.iter().any(|one| self.holds(one, resource)),
            Filter::Attr(expression) => {
                let (AttrExp::Present(path) | AttrExp::Comparison(path, ..)) = expression;
                let Ok(Named::Attribute(attribute, sub)) = resolve(self.schema, path) else {
                    return absent(expression);
                };
                expression_holds(expression, attribute, sub, resource.get(attribute.name))
            }
            Filter::ValuePath(path) => {
                let Ok(Named::Attribute(attribute, _)) = resolve(self.schema, &path.attr) else { return false };
                let values = resource.get(attribute.name).and_then(Value::as_array);
                values.is_some_and(|values| values.iter().any(|value| value_holds(&path.filter, attribute, value)))
            }
        }
    }
}

fn mentions(filter: &Filter, attribute: &str) -> bool {
    let is_named = |path: &AttrPath| path.name.eq_ignore_ascii_case(attribute);
    match filter {
        Filter::Attr(AttrExp::Present(path) | AttrExp::Comparison(path, ..)) => is_named(path),
        Filter::ValuePath(path) => is_named(&path.attr),
        Filter::Not(inner) => mentions(inner, attribute),
        Filter::And(all) | Filter::Or(all) => all.iter().any(|one| mentions(one, attribute)),
    }
}

/// Returns what an expression says of an attribute without a value.
fn absent(expression: &AttrExp) -> bool {
    match expression {
        AttrExp::Present(_) => false,
        AttrExp::Comparison(_, operator, value) => {
            (*operator == CompareOp::Eq) == (*value == CompValue::Null)
                && matches!(operator, CompareOp::Eq | CompareOp::Ne)
        }
    }
}

fn resolve(schema: &Schema, path: &AttrPath) -> Result<Named> {
    let of_schema = path.uri.as_deref().is_none_or(|uri| uri.eq_ignore_ascii_case(schema.urn));
    if !of_schema {
        let uri = path.uri.as_deref().unwrap_or_default();
        if uri.eq_ignore_ascii_case(super::schema::ENTERPRISE) {
            return Ok(Named::NotStored);
        }
        return Err(invalid(format!("`{}` is no schema of this resource", quoted(uri))));
    }
    if schema.leaves_out(&path.name) {
        return Ok(Named::NotStored);
    }
    let unknown = || invalid(format!("there is no attribute `{}`: see `/Schemas`", quoted(&path.to_string())));
    let attribute = schema.attribute(&path.name).ok_or_else(unknown)?;
    match &path.sub_attr {
        None => Ok(Named::Attribute(attribute, None)),
        Some(name) => match attribute.sub(name) {
            Some(sub) => Ok(Named::Attribute(attribute, Some(sub))),
            None => Err(unknown()),
        },
    }
}

/// Returns the attribute whose values are compared: of a complex one without a sub-attribute, `value`.
fn compared(attribute: &'static Attribute, sub: Option<&'static Attribute>) -> &'static Attribute {
    sub.or_else(|| attribute.sub("value")).unwrap_or(attribute)
}

/// Checks the filter in brackets.
///
/// # Errors
/// `scim_invalid_filter`.
pub(super) fn check_values(attribute: &'static Attribute, filter: &ValFilter) -> Result<()> {
    match filter {
        ValFilter::Not(inner) => check_values(attribute, inner),
        ValFilter::And(all) | ValFilter::Or(all) => all.iter().try_for_each(|one| check_values(attribute, one)),
        ValFilter::Attr(expression) => {
            let (AttrExp::Present(path) | AttrExp::Comparison(path, ..)) = expression;
            let sub = attribute.sub(&path.name).ok_or_else(|| {
                invalid(format!("`{}` has no sub-attribute `{}`", attribute.name, quoted(&path.name)))
            })?;
            match expression {
                AttrExp::Present(_) => Ok(()),
                AttrExp::Comparison(_, operator, value) => check_types(sub, operator, value),
            }
        }
    }
}

fn check_types(attribute: &Attribute, operator: &CompareOp, value: &CompValue) -> Result<()> {
    let equality = matches!(operator, CompareOp::Eq | CompareOp::Ne);
    let fits = match (attribute.kind, value) {
        (_, CompValue::Null) => equality,
        (Kind::Boolean, CompValue::True | CompValue::False) => equality,
        (Kind::Boolean, CompValue::Str(text)) => equality && boolean(text).is_some(),
        (Kind::DateTime, CompValue::Str(text)) => text.parse::<Timestamp>().is_ok(),
        (Kind::String | Kind::Reference, CompValue::Str(_)) => true,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(invalid(format!(
        "`{} {operator} {}` does not fit the type of the attribute",
        attribute.name,
        quoted(&value.to_string())
    )))
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn expression_holds(
    expression: &AttrExp,
    attribute: &'static Attribute,
    sub: Option<&'static Attribute>,
    value: Option<&Value>,
) -> bool {
    let compared = compared(attribute, sub);
    let all = match value {
        None => &[],
        Some(Value::Array(all)) => all.as_slice(),
        Some(single) => std::slice::from_ref(single),
    };
    // A single complex attribute without a sub-attribute is present as a whole.
    let is_whole = sub.is_none() && !attribute.multi_valued;
    let inner = |value| match attribute.kind {
        Kind::Complex if !is_whole => Value::get(value, compared.name),
        _ => Some(value),
    };
    let values: Vec<&Value> = all.iter().filter_map(inner).collect();
    match expression {
        AttrExp::Present(_) => values.iter().any(|value| is_value(value)),
        AttrExp::Comparison(_, _, _) if values.is_empty() => absent(expression),
        AttrExp::Comparison(_, CompareOp::Ne, wanted) => {
            !values.iter().any(|value| compare(compared, value, &CompareOp::Eq, wanted))
        }
        AttrExp::Comparison(_, operator, wanted) => {
            values.iter().any(|value| compare(compared, value, operator, wanted))
        }
    }
}

fn is_value(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(all) => !all.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Returns `true` if one of several values fits the filter in brackets.
#[must_use]
pub(super) fn value_holds(filter: &ValFilter, attribute: &'static Attribute, value: &Value) -> bool {
    match filter {
        ValFilter::Not(inner) => !value_holds(inner, attribute, value),
        ValFilter::And(all) => all.iter().all(|one| value_holds(one, attribute, value)),
        ValFilter::Or(all) => all.iter().any(|one| value_holds(one, attribute, value)),
        ValFilter::Attr(expression) => {
            let (AttrExp::Present(path) | AttrExp::Comparison(path, ..)) = expression;
            let Some(sub) = attribute.sub(&path.name) else { return absent(expression) };
            expression_holds(expression, sub, None, value.get(sub.name))
        }
    }
}

fn compare(attribute: &Attribute, value: &Value, operator: &CompareOp, wanted: &CompValue) -> bool {
    match (value, wanted) {
        (Value::Bool(value), CompValue::True) => *value,
        (Value::Bool(value), CompValue::False) => !*value,
        (Value::Bool(value), CompValue::Str(text)) => boolean(text) == Some(*value),
        (Value::String(value), CompValue::Str(wanted)) if attribute.kind == Kind::DateTime => {
            match (value.parse::<Timestamp>(), wanted.parse::<Timestamp>()) {
                (Ok(value), Ok(wanted)) => ordered(value.cmp(&wanted), operator),
                _ => false,
            }
        }
        (Value::String(value), CompValue::Str(wanted)) if attribute.case_exact => texts(value, operator, wanted),
        (Value::String(value), CompValue::Str(wanted)) => {
            texts(&value.to_lowercase(), operator, &wanted.to_lowercase())
        }
        _ => false,
    }
}

fn texts(value: &str, operator: &CompareOp, wanted: &str) -> bool {
    match operator {
        CompareOp::Co => value.contains(wanted),
        CompareOp::Sw => value.starts_with(wanted),
        CompareOp::Ew => value.ends_with(wanted),
        _ => ordered(value.cmp(wanted), operator),
    }
}

fn ordered(order: Ordering, operator: &CompareOp) -> bool {
    match operator {
        CompareOp::Eq => order.is_eq(),
        CompareOp::Ne => order.is_ne(),
        CompareOp::Gt => order.is_gt(),
        CompareOp::Ge => order.is_ge(),
        CompareOp::Lt => order.is_lt(),
        CompareOp::Le => order.is_le(),
        CompareOp::Co | CompareOp::Sw | CompareOp::Ew => false,
    }
}
