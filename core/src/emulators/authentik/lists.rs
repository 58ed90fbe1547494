//! Lists: filters, order and pages.

use std::cmp::Ordering;

use serde_json::{Value, json};
use url::form_urlencoded;

use super::{
    answer::{Refusal, invalid},
    input::is_uuid,
    render::{Shown, render},
    resource::{Kind, Resource},
    state::{Object, State},
};
use crate::emulators::Exchange;

/// Size of a page when none is asked for.
const DEFAULT_PAGE: usize = 20;

/// Parameters of a request.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(exchange: &Exchange) -> Self {
        let query = exchange.uri.query().unwrap_or_default();
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// Returns the last value of a parameter. An empty one is as if it were absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(given, value)| given == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// Returns `false` if a parameter that is true by default is turned off.
    pub(super) fn includes(&self, name: &str) -> bool {
        self.get(name).is_none_or(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// Answers the list of a kind.
pub(super) fn list(state: &State, resource: &Resource, exchange: &Exchange) -> Result<Value, Refusal> {
    let query = Query::of(exchange);
    let listed = state.objects(resource.kind).iter().filter(|(_, object)| object.created <= exchange.listed_until);
    let mut objects: Vec<(&String, &Object)> = listed.collect();
    for filter in resource.filters {
        if let Some(wanted) = query.get(filter) {
            objects.retain(|(_, object)| has(object, filter, wanted));
        }
    }
    special(state, resource.kind, &query, &mut objects)?;
    let ordering = query.get("ordering").unwrap_or(resource.ordering);
    let (field, descending) = match ordering.strip_prefix('-') {
        Some(field) => (field, true),
        None => (ordering, false),
    };
    let known = field == "pk" || resource.fields.iter().any(|known| known.name == field);
    let field = if known { field } else { resource.ordering };
    objects.sort_by(|(_, left), (_, right)| {
        let order = compare(left, right, field).then(left.number.cmp(&right.number));
        if descending { order.reverse() } else { order }
    });
    let shown = Shown::of(&query);
    let entries = objects.into_iter();
    page(state, &query, entries, |(id, object)| render(state, resource.kind, id, object, &shown))
}

/// Cuts a page out of entries.
pub(super) fn page<T>(
    state: &State,
    query: &Query,
    entries: impl ExactSizeIterator<Item = T>,
    render: impl Fn(T) -> Value,
) -> Result<Value, Refusal> {
    let count = entries.len();
    let size = query.get("page_size").and_then(|size| size.parse().ok()).filter(|size| *size > 0);
    let size = size.unwrap_or(DEFAULT_PAGE).min(state.largest_page);
    let pages = count.div_ceil(size).max(1);
    let current: usize = query.get("page").map_or(Ok(1), str::parse).map_err(|_| Refusal::InvalidPage)?;
    if current == 0 || current > pages {
        return Err(Refusal::InvalidPage);
    }
    let start = (current - 1) * size;
    let results: Vec<Value> = entries.skip(start).take(size).map(render).collect();
    Ok(json!({
        "pagination": {
            "next": if current < pages { current + 1 } else { 0 },
            "previous": current - 1,
            "count": count,
            "current": current,
            "total_pages": pages,
            "start_index": if count == 0 { 0 } else { start + 1 },
            "end_index": start + results.len(),
        },
        "results": results,
        "autocomplete": {},
    }))
}

fn has(object: &Object, field: &str, wanted: &str) -> bool {
    match object.fields.get(field) {
        Some(Value::String(text)) => text == wanted.trim(),
        Some(Value::Bool(flag)) => wanted.eq_ignore_ascii_case(if *flag { "true" } else { "false" }),
        Some(Value::Number(number)) => number.to_string() == wanted,
        _ => false,
    }
}

/// Applies the filters that are more than an equal field.
fn special(state: &State, kind: Kind, query: &Query, objects: &mut Vec<(&String, &Object)>) -> Result<(), Refusal> {
    match kind {
        Kind::Group => {
            if let Some(wanted) = query.get("attributes") {
                attributes(state, wanted, objects)?;
            }
        }
        Kind::Person => {
            if let Some(uuid) = query.get("uuid") {
                if !is_uuid(uuid) {
                    return Err(invalid("uuid", "Enter a valid UUID."));
                }
                let same =
                    |object: &Object| object.pk.as_i64().is_some_and(|pk| state.uuid_of(pk).eq_ignore_ascii_case(uuid));
                objects.retain(|(_, object)| same(object));
            }
            let groups: Vec<&str> = query.all("groups_by_pk").collect();
            if let Some(unknown) = groups.iter().find(|group| !state.objects(Kind::Group).contains_key(**group)) {
                let text = format!("Select a valid choice. {unknown} is not one of the available choices.");
                return Err(invalid("groups_by_pk", text));
            }
            if !groups.is_empty() {
                let members: Vec<_> = groups.iter().map(|group| state.members(group)).collect();
                let is_member = |pk: i64| members.iter().any(|members| members.contains(&pk));
                objects.retain(|(_, object)| object.pk.as_i64().is_some_and(is_member));
            }
        }
        Kind::Binding => {
            if let Some(target) = query.get("target") {
                if state.by_pk(Kind::Application, &json!(target)).is_none() {
                    let text = "Select a valid choice. That choice is not one of the available choices.";
                    return Err(invalid("target", text));
                }
                objects.retain(|(_, object)| object.text("target") == Some(target));
            }
        }
        Kind::KeyPair => {
            if let Some(wanted) = query.get("has_key") {
                objects.retain(|(_, object)| has(object, "private_key_available", wanted));
            }
        }
        Kind::ScopeMapping => {
            let managed: Vec<&str> = query.all("managed").collect();
            if !managed.is_empty() {
                objects.retain(|(_, object)| object.text("managed").is_some_and(|name| managed.contains(&name)));
            }
        }
        _ => {}
    }
    Ok(())
}

fn attributes(state: &State, wanted: &str, objects: &mut Vec<(&String, &Object)>) -> Result<(), Refusal> {
    let wanted: Value =
        serde_json::from_str(wanted).map_err(|_| Refusal::Refused("filter: failed to parse JSON".to_owned()))?;
    let Value::Object(wanted) = wanted else {
        return Err(Refusal::Refused("filter: value must be key:value mapping".to_owned()));
    };
    if !state.ignores_attribute_filter {
        objects.retain(|(_, object)| {
            let attributes = object.fields.get("attributes");
            wanted.iter().all(|(key, value)| attributes.and_then(|attributes| attributes.get(key)) == Some(value))
        });
    }
    Ok(())
}

fn compare(left: &Object, right: &Object, field: &str) -> Ordering {
    let (left, right) = if field == "pk" {
        (Some(&left.pk), Some(&right.pk))
    } else {
        (left.fields.get(field), right.fields.get(field))
    };
    match (left, right) {
        (Some(Value::String(left)), Some(Value::String(right))) => left.cmp(right),
        (Some(left), Some(right)) => left.as_i64().cmp(&right.as_i64()),
        _ => Ordering::Equal,
    }
}
