//! The join of one query's documents: a `$lookup` by a key that the row has.
//!
//! It goes by one of the query's conditions that an index of its collection serves, with the other conditions in its pipeline.

use ::mongodb::bson::{Bson, Document as BsonDocument, doc};

use super::{
    UNIQUE_KEYS_FIELD,
    encode::{compared, object_id},
    together::FOLLOWING,
    translate::{conditions, order, stored_name},
};
use crate::store::{Filter, Follow, KeyPart, Origin, Query, Read, read::ABSENT};

/// Returns the field of the row with the documents of a query.
pub(super) fn field_of(read: usize) -> String {
    format!("r{read}")
}

/// Returns `true` for a query in the order of ids, which its few results are brought into after they are received.
pub(super) fn is_sorted_here(query: &Query) -> bool {
    query.sort.is_none() && query.after.is_none() && !query.descending
}

/// The row that a key is computed from.
#[derive(Clone, Copy)]
pub(super) enum Row {
    /// The document that the aggregation starts at, which is the result of the query `root`, if of any.
    Begun { root: Option<usize> },
    /// The results of earlier queries, by their fields.
    Joined,
}

pub(super) enum Key {
    /// Values computed from the row.
    OfRow(Bson),
    /// The id of each document of this read.
    OfEach(usize),
}

/// The join of a query's documents.
pub(super) struct Join {
    from: &'static str,
    foreign: &'static str,
    pipeline: Vec<BsonDocument>,
    /// Another join has become a part of this one.
    is_followed: bool,
}

impl Join {
    /// Returns the join of a query and the key to join it by; `None` if no index serves it.
    pub(super) fn of(reads: &[Read], read: &Read, row: Row) -> Option<(Key, Self)> {
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
                (last, Key::OfRow(row.first(reads, *origin)))
            }
            Some(Follow::Any(field, origin)) => {
                query = query.filter(Filter::In(field, vec![ABSENT.into()]));
                // Every document has an id, so that nothing matches where no value is found.
                let key = match *field {
                    "id" => row.values(*origin).into(),
                    _ => with(object_id(ABSENT).into(), row.ids(*origin).into()),
                };
                (last, Key::OfRow(key))
            }
            Some(Follow::Each(field, origin)) if origin.field == "id" => {
                query = query.equal(field, ABSENT);
                (last, Key::OfEach(origin.read))
            }
            Some(Follow::Each(..)) => return None,
            Some(Follow::UniqueKey(parts)) => {
                let several = parts.iter().any(|part| matches!(part, KeyPart::Each(_)));
                query = query.filter(Filter::UniqueKeyIn(vec![String::new(); 1 + usize::from(several)]));
                (last, Key::OfRow(row.unique_key(reads, parts)))
            }
        };
        let (foreign, pipeline) = foreign(&query, joined)?;
        Some((key, Self { from: query.collection.name, foreign, pipeline, is_followed: false }))
    }

    /// Makes a join by the id of each document a part of this one; `None` if another one is already.
    pub(super) fn follow(&mut self, other: Self) -> Option<()> {
        if std::mem::replace(&mut self.is_followed, true) {
            return None;
        }
        self.pipeline.push(doc! { "$lookup": other.lookup("_id", FOLLOWING) });
        Some(())
    }

    /// Returns the join by a field of the row, whose documents are put into another.
    pub(super) fn lookup(self, local: &str, into: &str) -> BsonDocument {
        let mut lookup = doc! { "from": self.from, "localField": local, "foreignField": self.foreign, "as": into };
        if !self.pipeline.is_empty() {
            lookup.insert("pipeline", self.pipeline);
        }
        lookup
    }
}

/// Returns the field that the condition at this index is on, and the stages for the rest of the query.
fn foreign(query: &Query, joined: usize) -> Option<(&'static str, Vec<BsonDocument>)> {
    // By an id or a unique key there is at most one document for each value.
    let (foreign, is_unique, one) = match query.filters.get(joined)? {
        Filter::Equal(field, _) => (stored_name(field), *field == "id", *field == "id"),
        Filter::In(field, _) => (stored_name(field), *field == "id", false),
        Filter::UniqueKeyIn(keys) => (UNIQUE_KEYS_FIELD, true, keys.len() == 1),
        _ => return None,
    };
    let mut others = query.clone();
    others.filters.remove(joined);
    // The order, and so the meaning of the position, is that of the whole query.
    let others = conditions(&others, &query.sort_fields());
    let mut pipeline = Vec::new();
    if !others.is_empty() {
        pipeline.push(doc! { "$match": others });
    }
    let needs_no_order = one || is_unique && is_sorted_here(query);
    if !needs_no_order {
        pipeline.push(doc! { "$sort": order(query) });
        pipeline.push(doc! { "$limit": i64::from(query.limit) });
    }
    Some((foreign, pipeline))
}

impl Row {
    /// Returns the values of an origin, null where a document lacks the field.
    fn values(self, origin: Origin) -> BsonDocument {
        self.each(origin, format!("$$found.{}", stored_name(origin.field)).into())
    }

    /// Returns the ids of an origin.
    ///
    /// Missing fields become the absent id, because a comparison with null would match documents that lack the field.
    fn ids(self, origin: Origin) -> BsonDocument {
        let found = format!("$$found.{}", stored_name(origin.field));
        self.each(origin, doc! { "$ifNull": [found, object_id(ABSENT)] }.into())
    }

    /// Returns the results of an expression for each document of an origin, which it knows as `$$found`.
    fn each(self, origin: Origin, expression: Bson) -> BsonDocument {
        let documents: Bson = match self {
            Self::Begun { root } if root == Some(origin.read) => vec!["$$ROOT"].into(),
            _ => format!("${}", field_of(origin.read)).into(),
        };
        doc! { "$map": { "input": documents, "as": "found", "in": expression } }
    }

    /// Returns the first id of an origin.
    fn first(self, reads: &[Read], origin: Origin) -> Bson {
        let nobody = object_id(ABSENT);
        if matches!(self, Self::Begun { root } if root == Some(origin.read)) {
            return doc! { "$ifNull": [format!("${}", stored_name(origin.field)), nobody] }.into();
        }
        if reads.get(origin.read).is_some_and(|read| read.query.limit == 1) {
            return doc! { "$ifNull": [{ "$arrayElemAt": [self.values(origin), 0] }, nobody] }.into();
        }
        let present =
            doc! { "$filter": { "input": self.ids(origin), "as": "id", "cond": { "$ne": ["$$id", nobody] } } };
        doc! { "$ifNull": [{ "$arrayElemAt": [present, 0] }, nobody] }.into()
    }

    fn unique_key(self, reads: &[Read], parts: &[KeyPart]) -> Bson {
        let text = |id: Bson| Bson::from(doc! { "$toString": id });
        let mut each = None;
        let texts: Vec<Bson> = parts
            .iter()
            .map(|part| match part {
                KeyPart::Text(text) => doc! { "$literal": text }.into(),
                KeyPart::First(origin) => text(self.first(reads, *origin)),
                KeyPart::Each(origin) => {
                    each = Some(*origin);
                    text(format!("$$found.{}", stored_name(origin.field)).into())
                }
            })
            .collect();
        let key = doc! { "$concat": texts };
        match each {
            None => key.into(),
            // No key is empty: the empty text stands in for values that are null, which would match documents without keys.
            Some(origin) => with("".into(), self.each(origin, doc! { "$ifNull": [key, ""] }.into()).into()),
        }
    }
}

/// Prepends a placeholder so that the list is never empty, for the same reason.
fn with(nobody: Bson, list: Bson) -> Bson {
    doc! { "$concatArrays": [[nobody], list] }.into()
}
