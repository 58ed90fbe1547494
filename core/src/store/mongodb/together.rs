//! Several queries as one aggregation, which joins one document of the store with the results of each query.
//!
//! Each query is a `$lookup` by one of its conditions that an index of its collection serves, with the other conditions
//! in its pipeline. The results that a query follows are already in the row when its stage runs.

use ::mongodb::bson::{Bson, Document as BsonDocument, RawDocument, doc};

use super::{
    UNIQUE_KEYS_FIELD,
    encode::{compared, object_id},
    json,
    translate::{conditions, order, stored_name},
};
use crate::store::{
    Collection, Document, Filter, Follow, KeyPart, Origin, Query, Read, StoreError, StoreResult, read::ABSENT,
};

/// Field of a document that has the documents which follow it.
pub(super) const FOLLOWING: &str = "_following";

/// Field of the row with the values to join the next collection by.
const KEY: &str = "key";

/// Returns the stages after the row; `None` if a query cannot be answered this way.
pub(super) fn stages(reads: &[Read]) -> Option<Vec<BsonDocument>> {
    let mut lookups = Vec::new();
    for (position, read) in reads.iter().enumerate() {
        let join = Join::of(read)?;
        match join.key {
            Key::OfRow(key) => lookups.push((position, key, join.lookup)),
            Key::OfEach(parent) => {
                let (_, _, lookup) = lookups.iter_mut().find(|(other, ..)| *other == parent)?;
                let pipeline = lookup.get_array_mut("pipeline").ok()?;
                let taken = |stage: &Bson| stage.as_document().is_some_and(|stage| stage.contains_key("$lookup"));
                if pipeline.iter().any(taken) {
                    return None;
                }
                let mut nested = join.lookup;
                nested.insert("localField", "_id");
                nested.insert("as", FOLLOWING);
                pipeline.push(doc! { "$lookup": nested }.into());
            }
        }
    }
    let stages = lookups.into_iter().flat_map(|(position, key, mut lookup)| {
        lookup.insert("localField", KEY);
        lookup.insert("as", name(position));
        [doc! { "$set": { KEY: key } }, doc! { "$lookup": lookup }]
    });
    Some(stages.collect())
}

/// Returns the stages for a query and one that follows each of its documents; `None` for other reads.
pub(super) fn nested(reads: &[Read]) -> Option<Vec<BsonDocument>> {
    let [parents, following] = reads else { return None };
    let Join { key: Key::OfEach(0), mut lookup } = Join::of(following)? else { return None };
    if parents.follows.is_some() || parents.query.limit == 0 {
        return None;
    }
    lookup.insert("localField", "_id");
    lookup.insert("as", FOLLOWING);
    let query = &parents.query;
    let sort_fields = query.sort_fields();
    Some(vec![
        doc! { "$match": conditions(query, &sort_fields) },
        doc! { "$sort": order(query) },
        doc! { "$limit": i64::from(query.limit) },
        doc! { "$lookup": lookup },
    ])
}

/// Decodes the documents that follow one document.
pub(super) fn followers(collection: &'static Collection, parent: &RawDocument) -> StoreResult<Vec<Document>> {
    let mut followers = Vec::new();
    for follower in parent.get_array(FOLLOWING).into_iter().flatten().filter_map(Result::ok) {
        if let Some(follower) = follower.as_document() {
            followers.push(json::document(collection, follower)?);
        }
    }
    Ok(followers)
}

/// Decodes the answers from the row.
pub(super) fn answers(reads: &[Read], row: &RawDocument) -> StoreResult<Vec<Vec<Document>>> {
    let mut answers = Vec::with_capacity(reads.len());
    for (position, read) in reads.iter().enumerate() {
        let collection = read.query.collection;
        let corrupt = |detail: String| StoreError::Corrupt { collection: collection.name, id: None, detail };
        let (field, each) = match &read.follows {
            Some(Follow::Each(_, origin)) => (name(origin.read), true),
            _ => (name(position), false),
        };
        let documents = row.get_array(&field).map_err(|error| corrupt(error.to_string()))?;
        let mut answer = Vec::new();
        for document in documents {
            let Some(document) = document.map_err(|error| corrupt(error.to_string()))?.as_document() else { continue };
            if each {
                answer.extend(followers(collection, document)?);
            } else {
                answer.push(json::document(collection, document)?);
            }
        }
        answers.push(answer);
    }
    Ok(answers)
}

fn name(read: usize) -> String {
    format!("r{read}")
}

/// The join of a query's documents.
struct Join {
    key: Key,
    lookup: BsonDocument,
}

enum Key {
    /// Values computed from the row.
    OfRow(Bson),
    /// The id of each document of this read.
    OfEach(usize),
}

impl Join {
    fn of(read: &Read) -> Option<Self> {
        let mut query = read.query.clone();
        // In MongoDB a limit of 0 means no limit.
        if query.limit == 0 {
            return None;
        }
        let last = query.filters.len();
        let (joined, key) = match &read.follows {
            None => query.filters.iter().enumerate().find_map(|(position, filter)| {
                let key = match filter {
                    Filter::Equal(_, value) => compared(value),
                    Filter::In(_, values) if !values.is_empty() => {
                        values.iter().map(compared).collect::<Vec<_>>().into()
                    }
                    Filter::UniqueKeyIn(keys) => match keys.as_slice() {
                        [] => return None,
                        [key] => key.as_str().into(),
                        keys => keys.to_vec().into(),
                    },
                    _ => return None,
                };
                Some((position, Key::OfRow(doc! { "$literal": key }.into())))
            })?,
            Some(Follow::First(field, origin)) => {
                query = query.equal(field, ABSENT);
                (last, Key::OfRow(first(*origin)))
            }
            Some(Follow::Any(field, origin)) => {
                query = query.filter(Filter::In(field, vec![ABSENT.into()]));
                (last, Key::OfRow(with(object_id(ABSENT).into(), ids(*origin).into())))
            }
            Some(Follow::Each(field, origin)) if origin.field == "id" => {
                query = query.equal(field, ABSENT);
                (last, Key::OfEach(origin.read))
            }
            Some(Follow::Each(..)) => return None,
            Some(Follow::UniqueKey(parts)) => {
                let several = parts.iter().any(|part| matches!(part, KeyPart::Each(_)));
                query = query.filter(Filter::UniqueKeyIn(vec![String::new(); 1 + usize::from(several)]));
                (last, Key::OfRow(unique_key(parts)))
            }
        };
        Some(Self { key, lookup: lookup(&query, joined)? })
    }
}

/// Returns the lookup of a query by the condition at this index.
fn lookup(query: &Query, joined: usize) -> Option<BsonDocument> {
    let (foreign, one) = match query.filters.get(joined)? {
        Filter::Equal(field, _) => (stored_name(field), *field == "id"),
        Filter::In(field, _) => (stored_name(field), false),
        Filter::UniqueKeyIn(keys) => (UNIQUE_KEYS_FIELD, keys.len() == 1),
        _ => return None,
    };
    let sort = order(query);
    let mut others = query.clone();
    others.filters.remove(joined);
    // The order, and so the meaning of the position, is that of the whole query.
    let others = conditions(&others, &query.sort_fields());
    let mut pipeline = Vec::new();
    if !others.is_empty() {
        pipeline.push(doc! { "$match": others });
    }
    if !one {
        pipeline.push(doc! { "$sort": sort });
    }
    pipeline.push(doc! { "$limit": i64::from(query.limit) });
    Some(doc! { "from": query.collection.name, "foreignField": foreign, "pipeline": pipeline })
}

/// Returns the ids of an origin.
///
/// Missing fields become the absent id, because a comparison with null would match documents that lack the field.
fn ids(origin: Origin) -> BsonDocument {
    let found = format!("$$found.{}", stored_name(origin.field));
    let id = doc! { "$ifNull": [found, object_id(ABSENT)] };
    doc! { "$map": { "input": format!("${}", name(origin.read)), "as": "found", "in": id } }
}

/// Returns the first id of an origin.
fn first(origin: Origin) -> Bson {
    let nobody = object_id(ABSENT);
    let present = doc! { "$filter": { "input": ids(origin), "as": "id", "cond": { "$ne": ["$$id", nobody] } } };
    doc! { "$ifNull": [{ "$arrayElemAt": [present, 0] }, nobody] }.into()
}

/// Prepends a placeholder so that the list is never empty, for the same reason.
fn with(nobody: Bson, list: Bson) -> Bson {
    doc! { "$concatArrays": [[nobody], list] }.into()
}

fn unique_key(parts: &[KeyPart]) -> Bson {
    let text = |id: Bson| Bson::from(doc! { "$toString": id });
    let mut each = None;
    let texts: Vec<Bson> = parts
        .iter()
        .map(|part| match part {
            KeyPart::Text(text) => doc! { "$literal": text }.into(),
            KeyPart::First(origin) => text(first(*origin)),
            KeyPart::Each(origin) => {
                each = Some(*origin);
                text("$$id".into())
            }
        })
        .collect();
    let key = doc! { "$concat": texts };
    match each {
        None => key.into(),
        // No key is empty.
        Some(origin) => with("".into(), doc! { "$map": { "input": ids(origin), "as": "id", "in": key } }.into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::domain::{membership::MEMBERSHIPS, tenant::TENANTS};

    #[test]
    fn what_has_no_condition_to_join_by_is_not_answered_together() {
        let all = Query::new(&TENANTS).filter(Filter::NotEqual("status", "deleted".into()));
        assert_eq!(stages(&[Query::unique(&TENANTS, "slug:a".to_owned()).into(), all.into()]), None);
        assert_eq!(stages(&[Query::new(&TENANTS).equal("plan", "a").limit(0).into()]), None);
    }

    #[test]
    fn text_of_a_caller_is_never_an_expression() {
        let stages = stages(&[Query::new(&TENANTS).equal("plan", "$$ROOT").into()]).unwrap();
        assert_eq!(stages[0], doc! { "$set": { "key": { "$literal": "$$ROOT" } } });
        let follow = Follow::UniqueKey(vec![KeyPart::Text("$x".to_owned())]);
        let first = Query::new(&TENANTS).equal("plan", "a");
        let stages = super::stages(&[first.into(), Query::new(&MEMBERSHIPS).follow(follow)]).unwrap();
        assert_eq!(stages[2], doc! { "$set": { "key": { "$concat": [{ "$literal": "$x" }] } } });
    }
}
