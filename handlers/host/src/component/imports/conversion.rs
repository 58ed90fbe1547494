//! Converts types of the store between WIT and the port. Undeclared names are refused here.

use dezky::{
    clock::Timestamp,
    domain::ObjectId,
    store::{self as port, Collection, Filter, Position, StoreError, Value},
};

use crate::component::{bindings::store as wit, facts::RequestFacts};

/// Maximum length of a name that a refusal repeats.
const QUOTED: usize = 64;

/// Returns the beginning of a component's text, for a refusal in the log.
fn quoted(text: &str) -> &str {
    text.get(..text.floor_char_boundary(QUOTED)).unwrap_or_default()
}

/// The reason why a call is not valid for the store.
pub(super) struct Refused(pub(super) String);

type Converted<T> = Result<T, Refused>;

pub(super) fn collection(name: &str) -> Converted<&'static Collection> {
    let found = dezky::COLLECTIONS.iter().find(|collection| collection.name == name);
    found.copied().ok_or_else(|| Refused(format!("there is no collection `{name}`")))
}

pub(super) fn id(text: &str) -> Converted<ObjectId> {
    text.parse().map_err(|_| Refused(format!("`{}` is no id", quoted(text))))
}

pub(super) fn document(document: port::Document) -> wit::Document {
    wit::Document { id: document.id.to_string(), version: document.version, json: document.json }
}

fn field(collection: &'static Collection, name: &str) -> Converted<&'static str> {
    if name == "id" {
        return Ok("id");
    }
    let of_index = collection.indexes.iter().flat_map(|index| index.fields).find(|field| **field == name).copied();
    of_index.ok_or_else(|| Refused(format!("no index of `{}` has the field `{}`", collection.name, quoted(name))))
}

fn value(value: wit::Value) -> Converted<Value> {
    Ok(match value {
        wit::Value::Text(text) => Value::Text(text),
        wit::Value::Integer(number) => Value::Integer(number),
        wit::Value::Boolean(truth) => Value::Boolean(truth),
        wit::Value::Id(text) => Value::Id(id(&text)?),
        wit::Value::Time(milliseconds) => Value::Time(Timestamp::from_milliseconds(milliseconds)),
    })
}

fn filter(collection: &'static Collection, filter: wit::Filter) -> Converted<Filter> {
    Ok(match filter {
        wit::Filter::Equal(equal) => Filter::Equal(field(collection, &equal.field)?, value(equal.value)?),
        wit::Filter::NotEqual(other) => Filter::NotEqual(field(collection, &other.field)?, value(other.value)?),
        wit::Filter::OneOf(choice) => {
            let values = choice.values.into_iter().map(value).collect::<Converted<_>>()?;
            Filter::In(field(collection, &choice.field)?, values)
        }
        wit::Filter::Range(span) => Filter::Range {
            field: field(collection, &span.field)?,
            from: span.lower.map(value).transpose()?,
            until: span.upper.map(value).transpose()?,
        },
        wit::Filter::Prefix(beginning) => Filter::Prefix(field(collection, &beginning.field)?, beginning.text),
        wit::Filter::UniqueKey(keys) => Filter::UniqueKeyIn(keys),
    })
}

pub(super) fn query(query: wit::Query) -> Converted<port::Query> {
    let collection = collection(&query.collection)?;
    let sort = match &query.sort {
        None => None,
        Some(name) => Some(
            collection
                .index(name)
                .ok_or_else(|| Refused(format!("`{}` has no index `{}`", collection.name, quoted(name))))?,
        ),
    };
    let after = match query.after {
        None => None,
        Some(position) => Some(Position {
            values: position.values.into_iter().map(value).collect::<Converted<_>>()?,
            id: id(&position.id)?,
        }),
    };
    Ok(port::Query {
        collection,
        filters: query.filters.into_iter().map(|one| filter(collection, one)).collect::<Converted<_>>()?,
        sort,
        descending: query.descending,
        after,
        limit: query.limit,
    })
}

/// Returns the error without details that a component must not know; the database's message is only logged.
pub(super) fn failure(facts: &RequestFacts, error: StoreError) -> wit::Failure {
    let place = |collection: &str, id: Option<ObjectId>| wit::Place {
        collection: collection.to_owned(),
        id: id.map(|id| id.to_string()),
    };
    match error {
        StoreError::Timeout => wit::Failure::Timeout,
        StoreError::Corrupt { collection, id, detail } => {
            if facts.may_log() {
                tracing::error!(collection, ?id, detail, "a stored document cannot be read");
            }
            wit::Failure::Corrupt(place(collection, id))
        }
        StoreError::Unsupported { detail } => {
            if facts.may_log() {
                tracing::warn!(id = facts.request_id(), detail, "a call of the component was refused");
            }
            wit::Failure::Refused(detail)
        }
        // The first three result from writing, which a component cannot do.
        StoreError::DuplicateKey { .. }
        | StoreError::VersionConflict { .. }
        | StoreError::GuardFailed { .. }
        | StoreError::Unavailable { .. }
        | StoreError::NotUpgraded { .. }
        | StoreError::NewerSchema { .. }
        | StoreError::Configuration { .. } => {
            tracing::debug!(%error, "the store did not answer the component");
            wit::Failure::Unavailable
        }
    }
}
