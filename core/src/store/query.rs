//! Queries: conditions on declared indexes (equality, `in`, range, prefix), sorted by an index, with pagination.

use super::{Collection, Index, StoreError, StoreResult, Value, terms};
use crate::object_id::ObjectId;

/// A condition. All conditions of a query must hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Filter {
    /// The field equals the value. For a field of terms: the document has this term.
    Equal(&'static str, Value),
    /// The field does not equal the value, or is absent.
    NotEqual(&'static str, Value),
    /// The field equals one of at most [`Query::MAXIMUM_VALUES`] values. For a field of terms: the document has one of
    /// them.
    In(&'static str, Vec<Value>),
    /// The field is between two bounds.
    Range {
        /// The field.
        field: &'static str,
        /// Lower bound, inclusive.
        from: Option<Value>,
        /// Upper bound, exclusive.
        until: Option<Value>,
    },
    /// The text field begins with this text.
    Prefix(&'static str, String),
    /// The document holds one of these unique keys.
    UniqueKeyIn(Vec<String>),
}

/// A query of documents of one collection, in an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The collection.
    pub collection: &'static Collection,
    /// Conditions. A field must be in some declared index (or be `id`).
    pub filters: Vec<Filter>,
    /// The index to sort by; without one the order is by id.
    pub sort: Option<&'static Index>,
    /// Sorts in descending order.
    pub descending: bool,
    /// Returns only documents after this position in the order.
    pub after: Option<Position>,
    /// Maximum number of documents.
    pub limit: u32,
}

/// A position in the order of a query: the values of [`Query::sort_fields`] and the id of the last document shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// One value per sort field.
    #[serde(rename = "v")]
    pub values: Vec<Value>,
    /// Id of the document.
    #[serde(rename = "i")]
    pub id: ObjectId,
}

impl Query {
    /// Maximum number of values of an `in` condition.
    pub const MAXIMUM_VALUES: usize = 1_000;

    /// Creates a query of all documents of a collection by id, limited to 50.
    #[must_use]
    pub fn new(collection: &'static Collection) -> Self {
        Self { collection, filters: Vec::new(), sort: None, descending: false, after: None, limit: 50 }
    }

    /// Creates a query of the documents with these ids, of which there are at most [`Query::MAXIMUM_VALUES`].
    #[must_use]
    pub fn by_ids(collection: &'static Collection, ids: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        let ids: Vec<Value> = ids.into_iter().map(Into::into).collect();
        let limit = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        Self::new(collection).filter(Filter::In("id", ids)).limit(limit)
    }

    /// Creates a query of the documents that hold these unique keys, of which there are at most [`Query::MAXIMUM_VALUES`].
    #[must_use]
    pub fn by_keys(collection: &'static Collection, keys: Vec<String>) -> Self {
        let limit = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        Self::new(collection).filter(Filter::UniqueKeyIn(keys)).limit(limit)
    }

    /// Creates a query of the document that holds a unique key.
    #[must_use]
    pub fn unique(collection: &'static Collection, key: String) -> Self {
        Self::new(collection).filter(Filter::UniqueKeyIn(vec![key])).limit(1)
    }

    /// Adds a condition.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Adds an equality condition.
    #[must_use]
    pub fn equal(self, field: &'static str, value: impl Into<Value>) -> Self {
        self.filter(Filter::Equal(field, value.into()))
    }

    /// Adds the condition that a field begins with a text, converted to the field's form.
    #[must_use]
    pub fn begins(self, field: &'static str, text: &str) -> Self {
        let compared = self.collection.field(field).map_or_else(|| text.to_owned(), |field| field.compared(text));
        self.filter(Filter::Prefix(field, compared))
    }

    /// Adds the condition that a document has words with the prefixes of a search.
    ///
    /// Returns `None` if the search has no words; it can then be compared with whole texts only.
    #[must_use]
    pub fn words(self, field: &'static str, mark: &str, search: &str) -> Option<Self> {
        let words = terms::searched(search);
        let first = words.is_empty();
        let query = words.into_iter().fold(self, |query, word| query.equal(field, format!("{mark}{word}")));
        (!first).then_some(query)
    }

    /// Sorts by an index.
    #[must_use]
    pub fn sort(mut self, index: &'static Index) -> Self {
        self.sort = Some(index);
        self
    }

    /// Sorts in descending order.
    #[must_use]
    pub fn descending(mut self) -> Self {
        self.descending = true;
        self
    }

    /// Continues after a position.
    #[must_use]
    pub fn after(mut self, position: Option<Position>) -> Self {
        self.after = position;
        self
    }

    /// Sets the maximum number of documents.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// Returns the fields that order the documents before the id: those of the sort index without an equality
    /// condition.
    #[must_use]
    pub fn sort_fields(&self) -> Vec<&'static str> {
        let Some(index) = self.sort else { return Vec::new() };
        let fixed =
            |field: &str| self.filters.iter().any(|filter| matches!(filter, Filter::Equal(name, _) if *name == field));
        index.fields.iter().copied().filter(|field| !fixed(field)).collect()
    }

    /// Checks that the query uses only what its collection declares, and that its position fits its order.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] with a description of the problem.
    pub fn check(&self) -> StoreResult<()> {
        let unsupported = |detail: String| Err(StoreError::Unsupported { detail });
        for filter in &self.filters {
            let (field, values) = match filter {
                Filter::Equal(field, _)
                | Filter::NotEqual(field, _)
                | Filter::Range { field, .. }
                | Filter::Prefix(field, _) => (Some(*field), 1),
                Filter::In(field, values) => (Some(*field), values.len()),
                Filter::UniqueKeyIn(keys) => (None, keys.len()),
            };
            if let Some(field) = field
                && !self.collection.is_indexed(field)
            {
                return unsupported(format!("no index of `{}` has the field `{field}`", self.collection.name));
            }
            if let Some(field) = field
                && self.collection.is_terms(field)
                && !matches!(filter, Filter::Equal(..) | Filter::In(..))
            {
                return unsupported(format!("terms are compared as a whole, in `{field}` too"));
            }
            if values > Self::MAXIMUM_VALUES {
                return unsupported(format!("a condition compares with {values} values"));
            }
        }
        if let Some(sort) = self.sort
            && self.collection.index(sort.name) != Some(sort)
        {
            return unsupported(format!("`{}` has no index `{}`", self.collection.name, sort.name));
        }
        // A document has many entries in such an index, and a single place in the order only once a term is fixed.
        if let Some(terms) = self.sort.and_then(|sort| self.collection.terms_of(sort))
            && self.sort_fields().contains(&terms)
        {
            return unsupported(format!("an order by `{terms}` needs a term"));
        }
        match &self.after {
            Some(position) if position.values.len() != self.sort_fields().len() => {
                unsupported("the position does not fit the order of the query".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// Returns the smallest text that is larger than every text with this prefix, if there is one.
///
/// Stores compare texts by their UTF-8 bytes, in the order of code points. So the last character that has a successor
/// is replaced by it.
#[cfg(any(feature = "sqlite", feature = "mongodb"))]
pub(crate) fn after_prefix(prefix: &str) -> Option<String> {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        // Between these two are the surrogates, which are not characters.
        let next =
            if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last).saturating_add(1)) };
        if let Some(next) = next {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

#[cfg(all(test, any(feature = "sqlite", feature = "mongodb")))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::after_prefix;

    #[test]
    fn the_text_after_a_prefix_follows_all_that_begin_with_it() {
        assert_eq!(after_prefix("a").unwrap(), "b");
        assert_eq!(after_prefix("a\u{10ffff}").unwrap(), "b");
        assert_eq!(after_prefix("\u{d7ff}").unwrap(), "\u{e000}");
        assert_eq!(after_prefix("\u{ffff}").unwrap(), "\u{10000}");
        assert_eq!(after_prefix("\u{10ffff}"), None);
        assert_eq!(after_prefix(""), None);
    }
}
