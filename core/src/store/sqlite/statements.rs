//! SQL text of every operation. Pure: text and parameters that any executor of SQLite statements can run.

use std::{borrow::Cow, cmp::Ordering, collections::HashMap};

use super::{
    mapping::{self, Parameter},
    schema::{self, column, identifier},
};
use crate::store::{Collection, Filter, Index, Position, Query, StoreError, StoreResult, Value, query::after_prefix};

/// Names of the fixed statements, shared by all collections.
pub(super) const SELECT_KEYS: &str = "SELECT key FROM unique_keys WHERE collection = ?1 AND id = ?2";
pub(super) const INSERT_KEY: &str =
    "INSERT INTO unique_keys(collection, key, id) VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING";
pub(super) const DELETE_KEY: &str = "DELETE FROM unique_keys WHERE collection = ?1 AND key = ?2";
pub(super) const READ_SCHEMA: &str = "SELECT value FROM store_meta WHERE key = 'schema_version'";
pub(super) const WRITE_SCHEMA: &str = "INSERT INTO store_meta(key, value) VALUES('schema_version', ?1) \
     ON CONFLICT(key) DO UPDATE SET value = excluded.value";
/// `collection`, first `id`, last `id` → `id`, `key`.
pub(super) const KEYS_BETWEEN: &str = "SELECT id, key FROM unique_keys WHERE collection = ?1 AND id >= ?2 AND id <= ?3";
pub(super) const READ_COPY_MARK: &str = "SELECT value FROM store_meta WHERE key = 'copy'";
pub(super) const WRITE_COPY_MARK: &str = "INSERT INTO store_meta(key, value) VALUES('copy', ?1) \
     ON CONFLICT(key) DO UPDATE SET value = excluded.value";
pub(super) const DELETE_COPY_MARK: &str = "DELETE FROM store_meta WHERE key = 'copy'";
pub(super) const PROBE: &str = "INSERT INTO store_meta(key, value) VALUES('probe', 1) \
     ON CONFLICT(key) DO UPDATE SET value = value + 1 WHERE value < 9000000000000000000";

/// The ids of the documents that hold keys: `collection`, and a comparison of the key.
const HOLDERS: &str = "SELECT id FROM unique_keys WHERE collection = ? AND key";

/// The statements of a collection, built once.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) collection: &'static Collection,
    name: String,
    /// `id` → `version`, `body`.
    pub(super) get: String,
    /// `collection`, `key` → `id`, `version`, `body`.
    holder: String,
    /// `id` → `version`.
    pub(super) version: String,
    /// `id`, `version`, `body`; inserts no row if the id is taken.
    pub(super) insert: String,
    /// `id`, `version`, `body`.
    pub(super) update: String,
    /// `id`.
    pub(super) delete: String,
    /// The tables of the collection's indexes over terms.
    pub(super) terms: Vec<TermTable>,
}

/// The table of an index over terms.
#[derive(Debug)]
pub(super) struct TermTable {
    /// The field that has the terms.
    pub(super) field: &'static str,
    /// The fields of the index.
    fields: &'static [&'static str],
    name: String,
    /// `id`, terms as a JSON array: inserts the rows of a stored document.
    pub(super) insert: String,
    /// `id`, terms as a JSON array: deletes these rows. The document must still be stored as when they were inserted.
    pub(super) delete: String,
}

impl TermTable {
    /// Returns `true` if this is the table of an index.
    pub(super) fn is_of(&self, index: &Index) -> bool {
        self.fields == index.fields
    }

    fn new(collection: &Collection, index: &'static Index, field: &'static str) -> Self {
        let name = identifier(&schema::index_name(collection, index));
        let documents = identifier(collection.name);
        let names: Vec<String> = index.fields.iter().map(|field| column(field)).chain(["id".to_owned()]).collect();
        let values: Vec<String> = names
            .iter()
            .map(|name| if *name == column(field) { "terms.value".to_owned() } else { format!("{documents}.{name}") })
            .collect();
        let (names, values) = (names.join(", "), values.join(", "));
        let rows = format!("SELECT {values} FROM {documents}, json_each(?2) AS terms WHERE {documents}.id = ?1");
        Self {
            field,
            fields: index.fields,
            // A document that lacks a field of the index has no place in its order.
            insert: format!("INSERT OR IGNORE INTO {name}({names}) {rows}"),
            delete: format!("DELETE FROM {name} WHERE ({names}) IN ({rows})"),
            name,
        }
    }
}

impl Table {
    fn new(collection: &'static Collection) -> Self {
        let name = identifier(collection.name);
        Self {
            collection,
            get: format!("SELECT version, body FROM {name} WHERE id = ?1"),
            holder: format!("SELECT id, version, body FROM {name} WHERE id = ({HOLDERS} = ?)"),
            version: format!("SELECT version FROM {name} WHERE id = ?1"),
            insert: format!("INSERT INTO {name}(id, version, body) VALUES(?1, ?2, ?3) ON CONFLICT(id) DO NOTHING"),
            update: format!("UPDATE {name} SET version = ?2, body = ?3 WHERE id = ?1"),
            delete: format!("DELETE FROM {name} WHERE id = ?1"),
            terms: collection
                .indexes
                .iter()
                .filter_map(|index| Some(TermTable::new(collection, index, collection.terms_of(index)?)))
                .collect(),
            name,
        }
    }

    /// Returns the table of terms that a query is ordered by, if any.
    fn leading(&self, query: &Query) -> Option<&TermTable> {
        let index = query.sort.filter(|index| self.collection.terms_of(index).is_some())?;
        self.terms.iter().find(|table| table.is_of(index))
    }

    /// Returns the column of a field: of the leading table of terms if that has it, else of the documents.
    fn column(&self, query: &Query, field: &str) -> String {
        match self.leading(query) {
            Some(terms) if field == "id" || terms.fields.contains(&field) => {
                format!("{}.{}", terms.name, column(field))
            }
            Some(_) => format!("{}.{}", self.name, column(field)),
            None => column(field),
        }
    }

    /// Returns the `FROM` clause. A leading table of terms comes first, whatever the query planner would prefer.
    fn source(&self, query: &Query) -> String {
        match self.leading(query) {
            Some(TermTable { name: terms, .. }) => {
                format!("{terms} CROSS JOIN {} ON {}.id = {terms}.id", self.name, self.name)
            }
            None => self.name.clone(),
        }
    }

    /// Returns the condition that a document has one of some terms, in a table that does not lead.
    fn has_terms(&self, field: &str, compared: &str) -> Option<String> {
        let table = self.terms.iter().find(|table| table.field == field)?;
        let own = |name: &str| format!("{}.{}", self.name, column(name));
        let same = table.fields.iter().copied().filter(|name| *name != field).chain(["id"]);
        let same = same.map(|name| format!("others.{} = {}", column(name), own(name)));
        Some(format!(
            "EXISTS (SELECT 1 FROM {} AS others WHERE {} AND others.{} {compared})",
            table.name,
            same.collect::<Vec<_>>().join(" AND "),
            column(field)
        ))
    }

    /// Returns the query of documents, with rows of `id`, `version`, `body`; `None` if nothing can match.
    pub(super) fn find(&self, query: &Query) -> StoreResult<Option<Statement<'_>>> {
        // The most frequent query, whose text is always the same: at most one document holds a key.
        if let [Filter::UniqueKeyIn(keys)] = query.filters.as_slice()
            && let [key] = keys.as_slice()
            && query.sort.is_none()
            && query.after.is_none()
            && query.limit > 0
        {
            return Ok(Some(self.holder(key)));
        }
        let Some(Condition { sql: condition, mut parameters }) = self.condition(query)? else { return Ok(None) };
        let direction = if query.descending { " DESC" } else { "" };
        let order: Vec<String> = self.order(query).iter().map(|column| format!("{column}{direction}")).collect();
        parameters.push(Parameter::Integer(query.limit.into()));
        let sql = format!(
            "SELECT {}, version, body FROM {}{condition} ORDER BY {} LIMIT ?",
            self.column(query, "id"),
            self.source(query),
            order.join(", ")
        );
        Ok(Some(Statement { sql: Cow::Owned(sql), parameters }))
    }

    /// Returns the query of the document that holds a key.
    pub(super) fn holder(&self, key: &str) -> Statement<'_> {
        let parameters = vec![Parameter::text(self.collection.name), Parameter::text(key.to_owned())];
        Statement { sql: Cow::Borrowed(&self.holder), parameters }
    }

    fn condition(&self, query: &Query) -> StoreResult<Option<Condition>> {
        query.check()?;
        let mut clauses = Vec::new();
        let mut parameters = Vec::new();
        for filter in &query.filters {
            if !self.filter(query, filter, &mut clauses, &mut parameters) {
                return Ok(None);
            }
        }
        if let Some(position) = &query.after {
            clauses.push(self.after(query, position, &mut parameters));
        }
        let sql = if clauses.is_empty() { String::new() } else { format!(" WHERE {}", clauses.join(" AND ")) };
        Ok(Some(Condition { sql, parameters }))
    }

    /// Adds a condition. Returns `false` if nothing can match it.
    fn filter(
        &self,
        query: &Query,
        filter: &Filter,
        clauses: &mut Vec<String>,
        parameters: &mut Vec<Parameter>,
    ) -> bool {
        // Of several conditions on the leading terms, the first is searched by and the others are checked.
        let leads = |field: &str| {
            let first = query.filters.iter().find(|other| matches!(other, Filter::Equal(name, _) if *name == field));
            self.leading(query).is_some_and(|terms| terms.field == field)
                && first.is_some_and(|first| std::ptr::eq(first, filter))
        };
        let mut compare = |field: &str, compared: &str, parameter: Parameter| {
            let checked = self.collection.is_terms(field) && !leads(field);
            let clause = if checked { self.has_terms(field, compared) } else { None };
            clauses.push(clause.unwrap_or_else(|| format!("{} {compared}", self.column(query, field))));
            parameters.push(parameter);
        };
        match filter {
            Filter::Equal(field, value) => compare(field, "= ?", mapping::parameter(value)),
            Filter::NotEqual(field, value) => compare(field, "IS NOT ?", mapping::parameter(value)),
            Filter::In(field, values) => match values.as_slice() {
                [] => return false,
                [value] => compare(field, "= ?", mapping::parameter(value)),
                values => compare(field, "IN (SELECT value FROM json_each(?))", mapping::list(values)),
            },
            Filter::Range { field, from, until } => {
                self.bounds(query, field, from.as_ref(), until.as_ref(), clauses, parameters);
            }
            Filter::Prefix(field, prefix) => {
                // A range, not LIKE or GLOB: no wildcards to escape, case-sensitive, and served by the index.
                let end = after_prefix(prefix).map(Value::Text);
                self.bounds(query, field, Some(&Value::Text(prefix.clone())), end.as_ref(), clauses, parameters);
            }
            Filter::UniqueKeyIn(keys) => return self.unique_keys(query, keys, clauses, parameters),
        }
        true
    }

    fn unique_keys(
        &self,
        query: &Query,
        keys: &[String],
        clauses: &mut Vec<String>,
        parameters: &mut Vec<Parameter>,
    ) -> bool {
        let id = self.column(query, "id");
        let keys = match keys {
            [] => return false,
            [key] => {
                clauses.push(format!("{id} = ({HOLDERS} = ?)"));
                Parameter::text(key.clone())
            }
            keys => {
                clauses.push(format!("{id} IN ({HOLDERS} IN (SELECT value FROM json_each(?)))"));
                mapping::text_list(keys)
            }
        };
        parameters.extend([Parameter::text(self.collection.name), keys]);
        true
    }

    /// Adds the bounds of a field that the position of the query does not imply.
    ///
    /// Of two bounds at the same end SQLite searches by only one, and would scan everything between them on each
    /// further page.
    fn bounds(
        &self,
        query: &Query,
        field: &str,
        from: Option<&Value>,
        until: Option<&Value>,
        clauses: &mut Vec<String>,
        parameters: &mut Vec<Parameter>,
    ) {
        let first = query.sort_fields().first().is_some_and(|first| *first == field);
        let reached = query.after.as_ref().filter(|_| first).and_then(|position| position.values.first());
        let implied = |bound: &Value, wanted: &[Ordering]| {
            reached.and_then(|reached| compared(reached, bound)).is_some_and(|order| wanted.contains(&order))
        };
        if let Some(from) =
            from.filter(|from| query.descending || !implied(from, &[Ordering::Greater, Ordering::Equal]))
        {
            clauses.push(format!("{} >= ?", self.column(query, field)));
            parameters.push(mapping::parameter(from));
        }
        if let Some(until) = until.filter(|until| !query.descending || !implied(until, &[Ordering::Less])) {
            clauses.push(format!("{} < ?", self.column(query, field)));
            parameters.push(mapping::parameter(until));
        }
    }

    /// Returns the columns that order a query's documents.
    fn order(&self, query: &Query) -> Vec<String> {
        let mut fields = query.sort_fields();
        if !fields.contains(&"id") {
            fields.push("id");
        }
        fields.into_iter().map(|field| self.column(query, field)).collect()
    }

    fn after(&self, query: &Query, position: &Position, parameters: &mut Vec<Parameter>) -> String {
        let columns = self.order(query);
        let comparison = if query.descending { "<" } else { ">" };
        parameters.extend(position.values.iter().map(mapping::parameter));
        if columns.len() > position.values.len() {
            parameters.push(Parameter::text(position.id.to_string()));
        }
        match columns.as_slice() {
            [column] => format!("{column} {comparison} ?"),
            columns => {
                format!("({}) {comparison} ({})", columns.join(", "), vec!["?"; columns.len()].join(", "))
            }
        }
    }
}

/// Compares two values of one type as SQLite does: texts by their bytes.
fn compared(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Text(one), Value::Text(other)) => Some(one.cmp(other)),
        (Value::Integer(one), Value::Integer(other)) => Some(one.cmp(other)),
        (Value::Time(one), Value::Time(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

/// A statement and the values bound to its `?`, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    pub(super) sql: Cow<'a, str>,
    pub(super) parameters: Vec<Parameter>,
}

/// A `WHERE` clause, empty without conditions, and its values.
struct Condition {
    sql: String,
    parameters: Vec<Parameter>,
}

/// The tables of a store by collection name.
#[derive(Debug)]
pub(super) struct Tables(HashMap<&'static str, Table>);

impl Tables {
    pub(super) fn new(collections: &[&'static Collection]) -> Self {
        Self(collections.iter().map(|collection| (collection.name, Table::new(collection))).collect())
    }

    /// Returns the table of a collection.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] if the store was opened without this collection.
    pub(super) fn get(&self, collection: &Collection) -> StoreResult<&Table> {
        self.0.get(collection.name).ok_or_else(|| StoreError::Unsupported {
            detail: format!("the store was opened without the collection `{}`", collection.name),
        })
    }
}
