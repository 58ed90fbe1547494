//! Queries: equality, `in`, range and prefix on declared indexes, sorted by an index, continued from a position.

use super::{Collection, Index, StoreError, StoreResult, Value};
use crate::domain::ObjectId;

/// A condition. All conditions of a query must hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Filter {
    /// The field equals the value.
    Equal(&'static str, Value),
    /// The field equals one of the values; at most [`Query::MAXIMUM_VALUES`].
    In(&'static str, Vec<Value>),
    /// The field lies between two bounds.
    Range {
        /// The field.
        field: &'static str,
        /// Lower bound, included.
        from: Option<Value>,
        /// Upper bound, excluded.
        until: Option<Value>,
    },
    /// The text field begins with this text.
    Prefix(&'static str, String),
    /// The document holds one of these unique keys.
    UniqueKeyIn(Vec<String>),
}

/// Names documents of one collection, in an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The collection.
    pub collection: &'static Collection,
    /// Conditions. A field must stand in some declared index (or be `id`).
    pub filters: Vec<Filter>,
    /// The index to sort by; without one the order is by id.
    pub sort: Option<&'static Index>,
    /// Largest first.
    pub descending: bool,
    /// Only what comes after this position in the order.
    pub after: Option<Position>,
    /// The most documents to return.
    pub limit: u32,
}

/// A place in the order of a query: the values of [`Query::sort_fields`] and the id of the last document shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// One value a sort field.
    #[serde(rename = "v")]
    pub values: Vec<Value>,
    /// Id of the document.
    #[serde(rename = "i")]
    pub id: ObjectId,
}

impl Query {
    /// The most values of an `in` condition.
    pub const MAXIMUM_VALUES: usize = 1_000;

    /// All documents of a collection by id, the first 50.
    #[must_use]
    pub fn new(collection: &'static Collection) -> Self {
        Self { collection, filters: Vec::new(), sort: None, descending: false, after: None, limit: 50 }
    }

    /// The one document that holds a unique key.
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

    /// Adds an equality.
    #[must_use]
    pub fn equal(self, field: &'static str, value: impl Into<Value>) -> Self {
        self.filter(Filter::Equal(field, value.into()))
    }

    /// Sorts by an index.
    #[must_use]
    pub fn sort(mut self, index: &'static Index) -> Self {
        self.sort = Some(index);
        self
    }

    /// Largest first.
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

    /// The most documents to return.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// The fields that order the documents, before the id: those of the sort index that no equality fixes.
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
    /// [`StoreError::Unsupported`] telling what is wrong.
    pub fn check(&self) -> StoreResult<()> {
        let unsupported = |detail: String| Err(StoreError::Unsupported { detail });
        for filter in &self.filters {
            let (field, values) = match filter {
                Filter::Equal(field, _) | Filter::Range { field, .. } | Filter::Prefix(field, _) => (Some(*field), 1),
                Filter::In(field, values) => (Some(*field), values.len()),
                Filter::UniqueKeyIn(keys) => (None, keys.len()),
            };
            if let Some(field) = field
                && !self.collection.is_indexed(field)
            {
                return unsupported(format!("no index of `{}` has the field `{field}`", self.collection.name));
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
        match &self.after {
            Some(position) if position.values.len() != self.sort_fields().len() => {
                unsupported("the position does not fit the order of the query".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// The least text that is larger than every text with this prefix; none if there is no such text.
///
/// Stores compare texts by their UTF-8 bytes, whose order is that of code points: the last character that has a successor is
/// replaced by it.
#[cfg(any(feature = "sqlite", feature = "mongodb"))]
pub(crate) fn after_prefix(prefix: &str) -> Option<String> {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        // Between these two lie the surrogates, which are no characters.
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
