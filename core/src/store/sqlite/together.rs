//! Reads documents, for one query or several on one connection.

use rusqlite::{Connection, OptionalExtension as _, params_from_iter};

use super::{
    mapping::Parameter,
    statements::{Statement, Table, Tables},
};
use crate::{
    domain::ObjectId,
    store::{
        Document, Read, StoreResult,
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
    for read in reads {
        let of = |origin: Origin| match (reads.get(origin.read), found.get(origin.read)) {
            (Some(earlier), Some(documents)) => ids(&earlier.query, documents, origin.field),
            _ => Ok(Vec::new()),
        };
        let table = match tables.get(read.query.collection) {
            Ok(table) => table,
            Err(error) => return Ok(Err(error)),
        };
        let queries = match read.resolve(of) {
            Ok(queries) => queries,
            Err(error) => return Ok(Err(error)),
        };
        let mut answer = Vec::new();
        for query in queries {
            if let Some(id) = query.point() {
                answer.extend(point(connection, table, id)?);
                continue;
            }
            match table.find(&query) {
                Ok(Some(Statement { sql, parameters })) => answer.extend(documents(connection, &sql, &parameters)?),
                Ok(None) => {}
                Err(error) => return Ok(Err(error)),
            }
        }
        found.push(answer);
    }
    Ok(Ok(found))
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
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map(params_from_iter(parameters), document)?.collect()
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
