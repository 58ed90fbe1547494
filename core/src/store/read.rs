//! Several queries in one read, some of which depend on results of others.
//!
//! A store across a network answers them in one round trip. [`one_by_one`] defines their meaning, and is the
//! implementation for stores without a better one.

use std::fmt;

use futures_util::{StreamExt as _, TryStreamExt as _, future::try_join_all, stream};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{Document, FieldType, Filter, Query, Store, StoreError, StoreResult, Value};
use crate::{context::RequestContext, object_id::ObjectId};

/// The id of no document. It stands in for a missing value, so that the same queries are made as for a present one.
pub const ABSENT: ObjectId = ObjectId::from_bytes([0; 12]);

/// Number of concurrent queries of one read.
const AT_A_TIME: usize = 4;

/// A query of a read of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The query.
    pub query: Query,
    /// A further condition, on the results of an earlier query of the same read.
    pub follows: Option<Follow>,
    /// The document is there as a rule, and its absence is no secret: a store may take more calls where it is absent.
    pub is_expected: bool,
}

/// Ids that an earlier query finds: the values of a field of its documents, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Index of the earlier query.
    pub read: usize,
    /// `id`, or a field declared to have an id. Documents without it are skipped.
    pub field: &'static str,
}

/// A condition on the results of an earlier query. If there are none, [`ABSENT`] is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Follow {
    /// The field equals the first id of the origin.
    First(&'static str, Origin),
    /// The field equals one of the ids of the origin.
    Any(&'static str, Origin),
    /// A query for each id of the origin, each with its own limit; the documents come in the order of the ids.
    Each(&'static str, Origin),
    /// The document holds a unique key made of these parts.
    UniqueKey(Vec<KeyPart>),
}

/// A part of a unique key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPart {
    /// Literal text.
    Text(String),
    /// The first id of the origin.
    First(Origin),
    /// Each id of the origin, for one key per id. A key has at most one such part.
    Each(Origin),
}

impl From<Query> for Read {
    fn from(query: Query) -> Self {
        Self { query, follows: None, is_expected: false }
    }
}

impl Query {
    /// Adds a condition on the results of an earlier query.
    #[must_use]
    pub fn follow(self, follows: Follow) -> Read {
        Read { query: self, follows: Some(follows), is_expected: false }
    }
}

impl Follow {
    fn origins(&self) -> Vec<Origin> {
        match self {
            Self::First(_, origin) | Self::Any(_, origin) | Self::Each(_, origin) => vec![*origin],
            Self::UniqueKey(parts) => {
                let of = |part: &KeyPart| match part {
                    KeyPart::Text(_) => None,
                    KeyPart::First(origin) | KeyPart::Each(origin) => Some(*origin),
                };
                parts.iter().filter_map(of).collect()
            }
        }
    }
}

impl Read {
    /// Expects the document that a unique key or an id names, such as the caller's, whose absence is no secret.
    #[must_use]
    pub fn expected(mut self) -> Self {
        self.is_expected = true;
        self
    }

    /// Returns the results of earlier queries that this one depends on.
    pub(super) fn origins(&self) -> Vec<Origin> {
        self.follows.as_ref().map(Follow::origins).unwrap_or_default()
    }

    /// Returns the actual queries, given the ids that earlier queries found.
    ///
    /// # Errors
    /// The errors of `found`.
    pub fn resolve(&self, found: impl Fn(Origin) -> StoreResult<Vec<ObjectId>>) -> StoreResult<Vec<Query>> {
        let found = |origin: Origin| {
            found(origin).map(|mut ids| {
                if ids.is_empty() {
                    ids.push(ABSENT);
                }
                ids
            })
        };
        let first = |origin: Origin| Ok::<_, StoreError>(found(origin)?.first().copied().unwrap_or(ABSENT));
        let query = self.query.clone();
        Ok(match &self.follows {
            None => vec![query],
            Some(Follow::First(field, origin)) => vec![query.equal(field, first(*origin)?)],
            Some(Follow::Any(field, origin)) => {
                let ids = found(*origin)?.into_iter().map(Value::Id).collect();
                vec![query.filter(Filter::In(field, ids))]
            }
            Some(Follow::Each(field, origin)) => {
                found(*origin)?.into_iter().map(|id| query.clone().equal(field, id)).collect()
            }
            Some(Follow::UniqueKey(parts)) => {
                let mut keys = vec![String::new()];
                for part in parts {
                    match part {
                        KeyPart::Text(text) => keys.iter_mut().for_each(|key| key.push_str(text)),
                        KeyPart::First(origin) => {
                            let id = first(*origin)?.to_string();
                            keys.iter_mut().for_each(|key| key.push_str(&id));
                        }
                        KeyPart::Each(origin) => {
                            let ids = found(*origin)?;
                            keys = keys.iter().flat_map(|key| ids.iter().map(move |id| format!("{key}{id}"))).collect();
                        }
                    }
                }
                vec![query.filter(Filter::UniqueKeyIn(keys))]
            }
        })
    }
}

/// Checks that each query uses only what its collection declares, and follows only ids of earlier queries.
///
/// # Errors
/// [`StoreError::Unsupported`] with a description of the problem.
pub fn check(reads: &[Read]) -> StoreResult<()> {
    for (position, read) in reads.iter().enumerate() {
        for origin in read.origins() {
            let earlier = reads.get(origin.read).filter(|_| origin.read < position);
            let holds_id = |earlier: &Read| {
                let field = || earlier.query.collection.field(origin.field);
                origin.field == "id" || field().is_some_and(|field| field.field_type == FieldType::Id)
            };
            if !earlier.is_some_and(holds_id) {
                let detail = format!("no earlier read finds ids in `{}`", origin.field);
                return Err(StoreError::Unsupported { detail });
            }
        }
        // What is followed adds a condition, on which an order and a position may depend.
        let field = match &read.follows {
            Some(Follow::First(field, _) | Follow::Any(field, _) | Follow::Each(field, _)) => Some(*field),
            None | Some(Follow::UniqueKey(_)) => None,
        };
        let plain = read.query.sort.is_none() && read.query.after.is_none();
        if plain && field.is_none_or(|field| field == "id") {
            read.query.check()?;
            continue;
        }
        for query in read.resolve(|_| Ok(Vec::new()))? {
            query.check()?;
        }
    }
    Ok(())
}

/// Returns the ids of an origin in the documents that its query found.
///
/// # Errors
/// [`StoreError::Corrupt`] when a document does not match its declaration.
pub fn ids(query: &Query, documents: &[Document], field: &str) -> StoreResult<Vec<ObjectId>> {
    if field == "id" {
        return Ok(documents.iter().map(|document| document.id).collect());
    }
    let mut ids = Vec::with_capacity(documents.len());
    let needle = format!("\"{field}\":\"");
    for document in documents {
        let text = early_member(&document.json, &needle).or_else(|| member(&document.json, field));
        let Some(text) = text else { continue };
        ids.push(text.parse().map_err(|_| StoreError::Corrupt {
            collection: query.collection.name,
            id: Some(document.id),
            detail: format!("`{field}` is no id"),
        })?);
    }
    Ok(ids)
}

/// Returns the text of a member of a JSON object if no other object or list comes before it, as in the documents of this
/// software, which begin with ids. It is a fifth of the work of reading the members.
///
/// The needle is the member's name and the beginning of its text, as compact JSON has them. No text contains it, since quotes
/// in texts are escaped.
fn early_member<'json>(json: &'json str, needle: &str) -> Option<&'json str> {
    let (before, rest) = json.split_once(needle)?;
    if before.get(1..)?.contains(['{', '[']) {
        return None;
    }
    let (text, _) = rest.split_once('"')?;
    (!text.contains('\\')).then_some(text)
}

/// Returns the text of a member of a JSON object. The rest of the object is not parsed.
fn member<'json>(json: &'json str, name: &str) -> Option<&'json str> {
    struct Wanted<'a, 'json> {
        name: &'a str,
        found: &'a mut Option<&'json str>,
    }
    impl<'json> Visitor<'json> for Wanted<'_, 'json> {
        type Value = ();

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'json>>(self, mut members: A) -> Result<(), A::Error> {
            while let Some(wanted) = members.next_key_seed(Is(self.name))? {
                if wanted {
                    *self.found = members.next_value()?;
                    break;
                }
                members.next_value::<IgnoredAny>()?;
            }
            Ok(())
        }
    }
    struct Is<'a>(&'a str);
    impl<'json> DeserializeSeed<'json> for Is<'_> {
        type Value = bool;

        fn deserialize<D: Deserializer<'json>>(self, deserializer: D) -> Result<bool, D::Error> {
            deserializer.deserialize_str(self)
        }
    }
    impl Visitor<'_> for Is<'_> {
        type Value = bool;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a name")
        }

        fn visit_str<E>(self, name: &str) -> Result<bool, E> {
            Ok(name == self.0)
        }
    }
    let mut found = None;
    let wanted = Wanted { name, found: &mut found };
    // Parsing ends with an error because the rest of the object is unread; what was found is valid.
    let _unread = serde_json::Deserializer::from_str(json).deserialize_map(wanted);
    found
}

/// Answers the queries one by one, those that do not depend on others concurrently.
///
/// # Errors
/// As [`Store::find`].
pub async fn one_by_one<S: Store + ?Sized>(
    store: &S,
    context: &RequestContext,
    reads: &[Read],
) -> StoreResult<Vec<Vec<Document>>> {
    check(reads)?;
    let mut found: Vec<Option<Vec<Document>>> = vec![None; reads.len()];
    let of = |found: &[Option<Vec<Document>>], origin: Origin| match (reads.get(origin.read), found.get(origin.read)) {
        (Some(read), Some(Some(documents))) => ids(&read.query, documents, origin.field),
        _ => Ok(Vec::new()),
    };
    loop {
        let known = |origin: &Origin| found.get(origin.read).is_some_and(Option::is_some);
        let ready = reads.iter().enumerate().filter(|(position, read)| {
            found.get(*position).is_some_and(Option::is_none) && read.origins().iter().all(known)
        });
        let mut asked = Vec::new();
        for (position, read) in ready {
            let queries = read.resolve(|origin| of(&found, origin))?;
            asked.push(async move {
                let answers = stream::iter(queries).map(|query| async move { one(store, context, &query).await });
                // A few at a time, so that one read does not take the store from everybody else.
                let answers: Vec<Vec<Document>> = answers.buffered(AT_A_TIME).try_collect().await?;
                Ok::<_, StoreError>((position, answers.into_iter().flatten().collect()))
            });
        }
        if asked.is_empty() {
            return Ok(found.into_iter().map(Option::unwrap_or_default).collect());
        }
        for (position, documents) in try_join_all(asked).await? {
            if let Some(place) = found.get_mut(position) {
                *place = Some(documents);
            }
        }
    }
}

async fn one<S: Store + ?Sized>(store: &S, context: &RequestContext, query: &Query) -> StoreResult<Vec<Document>> {
    match query.point() {
        Some(id) => Ok(store.get(context, query.collection, id).await?.into_iter().collect()),
        None => store.find(context, query).await,
    }
}

impl Query {
    /// Returns the id of the requested document, if the query has no other condition.
    #[must_use]
    pub fn point(&self) -> Option<ObjectId> {
        match self.filters.as_slice() {
            [Filter::Equal("id", Value::Id(id))] if self.after.is_none() && self.limit > 0 => Some(*id),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::domain::{membership::MEMBERSHIPS, user::USERS};

    #[test]
    fn a_member_is_found_at_the_top_alone() {
        let json = r#"{"a":{"wanted":"inner"},"b":[{"wanted":1}],"wanted":"yes","wanted2":"no""#;
        assert_eq!(member(json, "wanted"), Some("yes"));
        assert_eq!(member(json, "absent"), None);
        assert_eq!(member(r#"{"wanted":null}"#, "wanted"), None);
    }

    #[test]
    fn a_member_that_comes_early_is_found_without_reading_the_others() {
        let early = |json| early_member(json, "\"wanted\":\"");
        assert_eq!(early(r#"{"id":"1","version":2,"wanted":"yes","list":[{"wanted":"no"}]}"#), Some("yes"));
        // All others are left to the one that reads each member.
        for json in [
            r#"{"a":{"wanted":"inner"},"wanted":"yes"}"#,
            r#"{"a":[{"wanted":"inner"}],"wanted":"yes"}"#,
            r#"{"a":"\"wanted\":\"no\"","b":"{","wanted":"yes"}"#,
            r#"{"wanted":"\u0079es"}"#,
            r#"{"wanted" : "yes"}"#,
            r#"{"wanted":"yes"#,
            "",
        ] {
            assert_eq!(early(json), None, "{json}");
        }
        assert_eq!(early(r#"{"a":"\"wanted\":\"no\"","wanted":"yes"}"#), Some("yes"), "quotes in texts are escaped");
    }

    #[test]
    fn what_nothing_was_found_for_asks_for_nobody() {
        let origin = Origin { read: 0, field: "id" };
        let parts = vec![KeyPart::Text("member:".to_owned()), KeyPart::Each(origin)];
        let read = Query::new(&MEMBERSHIPS).follow(Follow::UniqueKey(parts));
        let nobody = read.resolve(|_| Ok(Vec::new())).unwrap();
        let key = format!("member:{}", "0".repeat(24));
        assert_eq!(nobody, [Query::new(&MEMBERSHIPS).filter(Filter::UniqueKeyIn(vec![key]))]);
    }

    #[test]
    fn only_ids_of_earlier_reads_are_followed() {
        let follow = |read, field| {
            let of = Query::new(&MEMBERSHIPS).follow(Follow::First("userId", Origin { read, field }));
            check(&[Query::new(&USERS).into(), of])
        };
        assert_eq!(follow(0, "id"), Ok(()));
        for (read, field) in [(1, "id"), (2, "id"), (0, "email"), (0, "nothing")] {
            assert!(matches!(follow(read, field), Err(StoreError::Unsupported { .. })), "{read} {field}");
        }
    }
}
