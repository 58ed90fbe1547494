//! Several queries as one aggregation, which joins one document of the store with the results of each query.
//!
//! The aggregation starts at an expected document that other queries follow, and otherwise at the one document that every
//! prepared database has. Each further query is a [`Join`]. Joins that wait for the same results are in one wave, whose keys
//! one stage computes.

use ::mongodb::bson::{Bson, Document as BsonDocument, RawDocument, doc};

use super::{
    connection::META,
    join::{Join, Key, Row, field_of, is_sorted_here},
    json,
    translate::{conditions, order},
};
use crate::store::{Collection, Document, Filter, Follow, Read, StoreError, StoreResult};

/// Field of a document that has the documents which follow it.
pub(super) const FOLLOWING: &str = "_following";

/// An aggregation whose result is one row, or none if the document that it starts at is not there.
pub(super) struct Aggregation {
    pub(super) collection: &'static str,
    pub(super) stages: Vec<BsonDocument>,
}

/// A join, with the field of the row that its results are put into.
struct Placed {
    read: usize,
    wave: usize,
    key: Bson,
    join: Join,
}

/// Returns the aggregation of these queries; `None` if one of them cannot be answered this way.
pub(super) fn aggregation(reads: &[Read]) -> Option<Aggregation> {
    let root = root(reads);
    // The wave after which the results of each query are in the row.
    let mut waves: Vec<usize> = Vec::with_capacity(reads.len());
    let mut placed: Vec<Placed> = Vec::new();
    for (position, read) in reads.iter().enumerate() {
        if root == Some(position) {
            waves.push(0);
            continue;
        }
        let mut wave = 0;
        for origin in read.origins() {
            // What is joined to each document of another query is in no field of the row.
            if is_each(reads.get(origin.read)?) {
                return None;
            }
            if root != Some(origin.read) {
                wave = wave.max(waves.get(origin.read)?.saturating_add(1));
            }
        }
        let row = if wave == 0 { Row::Begun { root } } else { Row::Joined };
        match Join::of(reads, read, row)? {
            (Key::OfRow(key), join) => placed.push(Placed { read: position, wave, key, join }),
            (Key::OfEach(parent), join) => placed.iter_mut().find(|other| other.read == parent)?.join.follow(join)?,
        }
        waves.push(wave);
    }
    let (collection, condition) = start(reads, root);
    let mut stages = vec![doc! { "$match": condition }];
    extend(&mut stages, root, placed);
    Some(Aggregation { collection, stages })
}

/// Returns the query of one expected document that another follows, to start at.
///
/// An absent one has the queries asked one by one: the time taken would tell of a document whose absence is a secret.
fn root(reads: &[Read]) -> Option<usize> {
    let is_single = |read: &Read| {
        let named = match read.query.filters.as_slice() {
            [Filter::Equal(field, _)] => *field == "id",
            [Filter::UniqueKeyIn(keys)] => keys.len() == 1,
            _ => false,
        };
        named && read.is_expected && read.follows.is_none() && read.query.after.is_none() && read.query.limit > 0
    };
    let is_followed = |read: usize, each: bool| {
        let follows = |other: &Read| other.origins().iter().any(|origin| origin.read == read);
        reads.iter().any(|other| is_each(other) == each && follows(other))
    };
    // A join for each document of another query becomes a part of that one's join.
    let serves = |read: &usize| is_followed(*read, false) && !is_followed(*read, true);
    (0..reads.len()).find(|read| reads.get(*read).is_some_and(is_single) && serves(read))
}

fn is_each(read: &Read) -> bool {
    matches!(read.follows, Some(Follow::Each(..)))
}

/// Returns the collection to start in, and the condition on the document.
fn start(reads: &[Read], root: Option<usize>) -> (&'static str, BsonDocument) {
    match root.and_then(|root| reads.get(root)) {
        Some(Read { query, .. }) => (query.collection.name, conditions(query, &query.sort_fields())),
        None => (META, doc! { "_id": "schema" }),
    }
}

/// Adds the stages after the condition: for each wave its keys, then its joins.
fn extend(stages: &mut Vec<BsonDocument>, root: Option<usize>, mut placed: Vec<Placed>) {
    let mut row = BsonDocument::new();
    if let Some(root) = root {
        row.insert(field_of(root), vec!["$$ROOT"]);
    }
    // The first stage makes the row; later ones add to it.
    let mut stage = "$replaceWith";
    for wave in 0.. {
        let (now, later): (Vec<_>, Vec<_>) = placed.into_iter().partition(|placed| placed.wave == wave);
        if now.is_empty() {
            break;
        }
        placed = later;
        // Queries that follow the same results share a key.
        let mut keys: Vec<(String, Bson)> = Vec::new();
        let mut lookups = Vec::new();
        for Placed { read, key, join, .. } in now {
            let known = keys.iter().find(|(_, other)| *other == key).map(|(name, _)| name.clone());
            let name = known.unwrap_or_else(|| {
                let name = format!("k{read}");
                keys.push((name.clone(), key));
                name
            });
            lookups.push(doc! { "$lookup": join.lookup(&name, &field_of(read)) });
        }
        row.extend(keys);
        stages.push(doc! { stage: std::mem::take(&mut row) });
        stages.extend(lookups);
        stage = "$set";
    }
}

/// Returns the stages for a query and one that follows each of its documents; `None` for other reads.
pub(super) fn nested(reads: &[Read]) -> Option<Vec<BsonDocument>> {
    let [parents, following] = reads else { return None };
    let (Key::OfEach(0), join) = Join::of(reads, following, Row::Joined)? else { return None };
    if parents.follows.is_some() || parents.query.limit == 0 {
        return None;
    }
    let query = &parents.query;
    let sort_fields = query.sort_fields();
    Some(vec![
        doc! { "$match": conditions(query, &sort_fields) },
        doc! { "$sort": order(query) },
        doc! { "$limit": i64::from(query.limit) },
        doc! { "$lookup": join.lookup("_id", FOLLOWING) },
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
            Some(Follow::Each(_, origin)) => (field_of(origin.read), true),
            _ => (field_of(position), false),
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
        if !each && is_sorted_here(&read.query) {
            answer.sort_unstable_by_key(|document| document.id);
            answer.truncate(usize::try_from(read.query.limit).unwrap_or(usize::MAX));
        }
        answers.push(answer);
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::{
        domain::{membership::MEMBERSHIPS, tenant::TENANTS},
        store::{KeyPart, Origin, Query},
    };

    fn stages(reads: &[Read]) -> Vec<BsonDocument> {
        aggregation(reads).unwrap().stages
    }

    #[test]
    fn what_has_no_condition_to_join_by_is_not_answered_together() {
        let all = Query::new(&TENANTS).filter(Filter::NotEqual("status", "deleted".into()));
        assert!(aggregation(&[Query::unique(&TENANTS, "slug:a".to_owned()).into(), all.into()]).is_none());
        assert!(aggregation(&[Query::new(&TENANTS).equal("plan", "a").limit(0).into()]).is_none());
    }

    #[test]
    fn what_follows_documents_joined_to_others_is_not_answered_together() {
        let tenants = Query::new(&TENANTS).equal("plan", "a");
        let each = Query::new(&MEMBERSHIPS).follow(Follow::Each("tenantId", Origin { read: 0, field: "id" }));
        let beyond = Query::new(&TENANTS).follow(Follow::Any("id", Origin { read: 1, field: "tenantId" }));
        assert!(aggregation(&[tenants.clone().into(), each.clone()]).is_some());
        assert!(aggregation(&[tenants.into(), each, beyond]).is_none());
    }

    #[test]
    fn text_of_a_caller_is_never_an_expression() {
        let tenants = Query::new(&TENANTS).equal("plan", "$$ROOT");
        let follow = Follow::UniqueKey(vec![KeyPart::Text("$x".to_owned())]);
        let found = stages(&[tenants.into(), Query::new(&MEMBERSHIPS).follow(follow)]);
        let keys = doc! { "k0": { "$literal": "$$ROOT" }, "k1": { "$concat": [{ "$literal": "$x" }] } };
        assert_eq!(found[1], doc! { "$replaceWith": keys });
    }

    #[test]
    fn a_document_that_others_follow_is_where_it_starts_and_each_wave_computes_its_keys_at_once() {
        let of = |read, field| Origin { read, field };
        let reads = [
            Query::new(&TENANTS).equal("plan", "a").into(),
            Read::from(Query::unique(&TENANTS, "slug:$b".to_owned())).expected(),
            Query::new(&MEMBERSHIPS).follow(Follow::First("tenantId", of(1, "id"))),
            Query::new(&MEMBERSHIPS).limit(1).follow(Follow::First("tenantId", of(1, "id"))),
            Query::new(&TENANTS).follow(Follow::Any("id", of(2, "tenantId"))),
        ];
        let found = aggregation(&reads).unwrap();
        assert_eq!(
            (found.collection, &found.stages[0]),
            (TENANTS.name, &doc! { "$match": { "uniqueKeys": "slug:$b" } })
        );
        let names =
            |stage: &BsonDocument| stage.values().next().unwrap().as_document().unwrap().keys().cloned().collect();
        let [first, second]: [Vec<String>; 2] = [names(&found.stages[1]), names(&found.stages[5])];
        assert_eq!((first, second), (vec!["r1".into(), "k0".into(), "k2".into()], vec!["k4".into()]));
        let local = |stage: usize| found.stages[stage].get_document("$lookup").unwrap().get_str("localField").unwrap();
        assert_eq!([2, 3, 4, 6].map(local), ["k0", "k2", "k2", "k4"]);
    }
}
