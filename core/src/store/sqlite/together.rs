//! Reads documents, for one query or several on one connection.

use std::cell::RefCell;

use rusqlite::{Connection, OptionalExtension as _, params_from_iter};

use super::{
    mapping::Parameter,
    statements::{Statement, Table, Tables},
};
use crate::{
    object_id::ObjectId,
    store::{
        Document, Filter, Query, Read, StoreResult, Value,
        read::{Origin, ids},
    },
};

/// Reads the documents of each query. The outer error is that of a statement.
pub(super) fn read(
    connection: &Connection,
    tables: &Tables,
    reads: &[Read],
) -> rusqlite::Result<StoreResult<Vec<Vec<Document>>>> {
    let mut found: Vec<Vec<Document>> = Vec::with_capacity(reads.len());
    let origins = Origins::default();
    for read in reads {
        let table = match tables.get(read.query.collection) {
            Ok(table) => table,
            Err(error) => return Ok(Err(error)),
        };
        let mut answer = Vec::new();
        if read.follows.is_none() {
            if let Err(error) = run(connection, table, &read.query, &mut answer)? {
                return Ok(Err(error));
            }
        } else {
            let queries = match read.resolve(|origin| origins.ids(reads, &found, origin)) {
                Ok(queries) => queries,
                Err(error) => return Ok(Err(error)),
            };
            for query in &queries {
                if let Err(error) = run(connection, table, query, &mut answer)? {
                    return Ok(Err(error));
                }
            }
        }
        found.push(answer);
    }
    Ok(Ok(found))
}

/// The ids that origins have come to. Several reads that follow the same field read the documents once.
#[derive(Default)]
struct Origins(RefCell<Vec<(Origin, Vec<ObjectId>)>>);

impl Origins {
    fn ids(&self, reads: &[Read], found: &[Vec<Document>], origin: Origin) -> StoreResult<Vec<ObjectId>> {
        let mut known = self.0.borrow_mut();
        if let Some((_, ids)) = known.iter().find(|(one, _)| *one == origin) {
            return Ok(ids.clone());
        }
        let (Some(earlier), Some(documents)) = (reads.get(origin.read), found.get(origin.read)) else {
            return Ok(Vec::new());
        };
        let ids = ids(&earlier.query, documents, origin.field)?;
        known.push((origin, ids.clone()));
        Ok(ids)
    }
}

/// Adds the documents of a query to an answer.
fn run(
    connection: &Connection,
    table: &Table,
    query: &Query,
    answer: &mut Vec<Document>,
) -> rusqlite::Result<StoreResult<()>> {
    if let Some(id) = query.point().or_else(|| only_id(query)) {
        answer.extend(point(connection, table, id)?);
        return Ok(Ok(()));
    }
    if let Some(keys) = few_keys(query) {
        let mut holders = Vec::new();
        for key in keys {
            let Statement { sql, parameters } = table.holder(key);
            collect(connection, &sql, &parameters, &mut holders)?;
        }
        holders.sort_unstable_by_key(|document| document.id);
        // A document may hold several of the keys.
        holders.dedup_by_key(|document| document.id);
        holders.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
        answer.append(&mut holders);
        return Ok(Ok(()));
    }
    match table.find(query) {
        Ok(Some(Statement { sql, parameters })) => collect(connection, &sql, &parameters, answer)?,
        Ok(None) => {}
        Err(error) => return Ok(Err(error)),
    }
    Ok(Ok(()))
}

/// Returns the id of a query that names one in a list, and nothing else.
fn only_id(query: &Query) -> Option<ObjectId> {
    match query.filters.as_slice() {
        [Filter::In("id", ids)] if query.after.is_none() && query.limit > 0 => match ids.as_slice() {
            [Value::Id(id)] => Some(*id),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the unique keys of a query that asks for a few, and nothing else.
///
/// SQLite builds a table of its own for each list that it looks up, which costs as much as eight lookups.
fn few_keys(query: &Query) -> Option<&[String]> {
    match query.filters.as_slice() {
        [Filter::UniqueKeyIn(keys)]
            if (2..=4).contains(&keys.len()) && query.sort.is_none() && query.after.is_none() && !query.descending =>
        {
            Some(keys)
        }
        _ => None,
    }
}

/// Ends a read transaction.
const END: &str = "ROLLBACK";

/// A state of the database that several statements see alike, until it is dropped.
pub(super) struct Snapshot<'a>(&'a Connection);

impl<'a> Snapshot<'a> {
    pub(super) fn take(connection: &'a Connection) -> rusqlite::Result<Self> {
        // One that could not be ended before is ended now.
        let snapshot = Self(connection);
        if !connection.is_autocommit() {
            connection.prepare_cached(END)?.execute([])?;
        }
        // The statements stay prepared, since parsing them costs as much as a read.
        connection.prepare_cached("BEGIN")?.execute([])?;
        Ok(snapshot)
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        if self.0.is_autocommit() {
            return;
        }
        if let Err(error) = self.0.prepare_cached(END).and_then(|mut end| end.execute([])) {
            tracing::warn!(%error, "a read transaction could not be ended, and is ended by the next read");
        }
    }
}

/// Reads the document with this id.
pub(super) fn point(connection: &Connection, table: &Table, id: ObjectId) -> rusqlite::Result<Option<Document>> {
    let mut statement = connection.prepare_cached(&table.get)?;
    statement
        .query_row([id.to_string()], |row| Ok(Document { id, version: version(row, 0)?, json: row.get(1)? }))
        .optional()
}

/// Reads the documents that a statement finds.
pub(super) fn documents(
    connection: &Connection,
    sql: &str,
    parameters: &[Parameter],
) -> rusqlite::Result<Vec<Document>> {
    let mut documents = Vec::new();
    collect(connection, sql, parameters, &mut documents)?;
    Ok(documents)
}

fn collect(
    connection: &Connection,
    sql: &str,
    parameters: &[Parameter],
    answer: &mut Vec<Document>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    for found in statement.query_map(params_from_iter(parameters), document)? {
        answer.push(found?);
    }
    Ok(())
}

fn document(row: &rusqlite::Row<'_>) -> rusqlite::Result<Document> {
    let id = row.get_ref(0)?.as_str().map_err(|error| conversion(0, error))?;
    let id = id.parse().map_err(|error| conversion(0, error))?;
    Ok(Document { id, version: version(row, 1)?, json: row.get(2)? })
}

fn version(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|error| conversion(column, error))
}

fn conversion(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}
