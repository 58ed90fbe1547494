//! Translates queries to MongoDB filters.

use ::mongodb::bson::{Bson, Document as BsonDocument, doc};

use super::{
    UNIQUE_KEYS_FIELD,
    encode::{compared, object_id},
};
use crate::store::{Collection, FieldType, Filter, Index, Query, query::after_prefix};

/// Returns the conditions of a query, including its position among these sort fields.
pub(super) fn conditions(query: &Query, sort_fields: &[&'static str]) -> BsonDocument {
    let mut all: Vec<BsonDocument> = query.filters.iter().map(|filter| condition(query.collection, filter)).collect();
    all.extend(after(query, sort_fields));
    let mut names: Vec<&String> = all.iter().flat_map(BsonDocument::keys).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    // Conditions on different fields fit into one document.
    if names.len() == count {
        all.into_iter().flatten().collect()
    } else {
        doc! { "$and": all }
    }
}

/// Returns the sort order of a query; the id makes it total.
pub(super) fn order(query: &Query) -> BsonDocument {
    let direction = if query.descending { -1 } else { 1 };
    let fields = query.sort_fields().into_iter().map(stored_name).filter(|name| *name != "_id");
    fields.chain(["_id"]).map(|name| (name.to_owned(), Bson::Int32(direction))).collect()
}

/// Returns the keys of a declared index in the database.
pub(super) fn index_keys(index: &Index) -> BsonDocument {
    let fields = index.fields.iter().copied().map(stored_name).filter(|name| *name != "_id");
    fields.chain(["_id"]).map(|name| (name.to_owned(), Bson::Int32(1))).collect()
}

/// Returns the index to force: that of the sort order, if it gives that order.
///
/// Conditions on other fields are then checked on what it finds. Without a hint the database may scan the collection
/// for them and sort the result. Ids and unique keys match few documents, so for them the database is left to choose.
pub(super) fn hint(query: &Query) -> Option<BsonDocument> {
    // The whole collection, ordered by id.
    let Some(index) = query.sort else { return query.filters.is_empty().then(|| doc! { "_id": 1 }) };
    let named = |filter: &Filter| match filter {
        Filter::Equal(field, _) | Filter::In(field, _) => *field == "id",
        Filter::UniqueKeyIn(_) => true,
        Filter::NotEqual(..) | Filter::Range { .. } | Filter::Prefix(..) => false,
    };
    let fixed = index.fields.len().saturating_sub(query.sort_fields().len());
    let prefix = index.fields.iter().take(fixed).all(|field| !query.sort_fields().contains(field));
    (prefix && !query.filters.iter().any(named)).then(|| index_keys(index))
}

fn condition(collection: &'static Collection, filter: &Filter) -> BsonDocument {
    match filter {
        Filter::Equal(field, value) => doc! { stored_name(field): compared(value) },
        Filter::NotEqual(field, value) => doc! { stored_name(field): { "$ne": compared(value) } },
        Filter::In(field, values) => {
            doc! { stored_name(field): { "$in": values.iter().map(compared).collect::<Vec<_>>() } }
        }
        Filter::Range { field, from, until } => {
            let mut bounds = BsonDocument::new();
            if let Some(from) = from {
                bounds.insert("$gte", compared(from));
            }
            if let Some(until) = until {
                bounds.insert("$lt", compared(until));
            }
            if bounds.is_empty() {
                return doc! { stored_name(field): { "$exists": true } };
            }
            within(collection, field, bounds)
        }
        Filter::Prefix(field, prefix) => {
            let mut bounds = doc! { "$gte": prefix };
            match after_prefix(prefix) {
                Some(end) => bounds.insert("$lt", end),
                // It has no upper bound except the end of all texts, after which MongoDB orders the next type.
                None => bounds.insert("$type", "string"),
            };
            within(collection, field, bounds)
        }
        Filter::UniqueKeyIn(keys) => match keys.as_slice() {
            [key] => doc! { UNIQUE_KEYS_FIELD: key },
            keys => doc! { UNIQUE_KEYS_FIELD: { "$in": keys.to_vec() } },
        },
    }
}

/// Returns the range of a field. For a list, both bounds must hold for the same item.
fn within(collection: &'static Collection, field: &str, bounds: BsonDocument) -> BsonDocument {
    match collection.field(field).map(|field| field.field_type) {
        Some(FieldType::List(_)) => doc! { stored_name(field): { "$elemMatch": bounds } },
        _ => doc! { stored_name(field): bounds },
    }
}

/// Returns the conditions for everything after a position.
///
/// A document is after it if its first field is, or if that is equal and its next field is, and so on. The bound on the
/// first field alone lets the database start at the right place of the index.
fn after(query: &Query, fields: &[&'static str]) -> Vec<BsonDocument> {
    let Some(position) = &query.after else { return Vec::new() };
    let (beyond, from) = if query.descending { ("$lt", "$lte") } else { ("$gt", "$gte") };
    let id = Bson::ObjectId(object_id(position.id));
    let mut equal = BsonDocument::new();
    let mut alternatives = Vec::new();
    for (field, value) in fields.iter().map(|field| stored_name(field)).zip(position.values.iter().map(compared)) {
        let mut alternative = equal.clone();
        alternative.insert(field, doc! { beyond: value.clone() });
        alternatives.push(alternative);
        equal.insert(field, value);
    }
    let mut last = equal;
    last.insert("_id", doc! { beyond: id });
    match (fields.first(), position.values.first()) {
        (Some(first), Some(value)) => {
            alternatives.push(last);
            vec![doc! { stored_name(first): { from: compared(value) } }, doc! { "$or": alternatives }]
        }
        _ => vec![last],
    }
}

pub(super) fn stored_name(field: &str) -> &str {
    if field == "id" { "_id" } else { field }
}
