//! One commit inside a transaction: its changes in order, then its guards.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    connection, mapping,
    statements::{self, Table, Tables},
};
use crate::{
    object_id::ObjectId,
    store::{Change, Collection, Commit, Expectation, Guard, Index, StoreError, StoreResult, terms},
};

/// An instruction to the writer, parsed and checked beforehand as far as possible, because the writer's time is scarce.
#[derive(Debug)]
pub(super) enum Instruction {
    /// Changes and guards.
    Commit { changes: Vec<PreparedChange>, guards: Vec<Guard> },
    /// A small durable write that changes no document.
    Probe,
    /// Sets or removes the mark of a copy into this store.
    CopyMark(Option<i64>),
}

#[derive(Debug)]
pub(super) struct PreparedChange {
    change: Change,
    /// The document's version after the change.
    version: i64,
    /// The document's terms after the change.
    terms: Terms,
}

/// Terms of a document by field, each as a JSON array.
pub(super) type Terms = Vec<(&'static str, String)>;

/// Returns the terms of a document.
pub(super) fn terms(collection: &'static Collection, json: &str) -> Result<Terms, serde_json::Error> {
    let found = terms::of(collection, json)?;
    Ok(found.into_iter().map(|(field, terms)| (field, serde_json::Value::from(terms).to_string())).collect())
}

impl Instruction {
    /// Checks and prepares a commit for the writer.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] for unknown collections and for documents that are not JSON objects.
    pub(super) fn new(tables: &Tables, commit: &Commit) -> StoreResult<Self> {
        let prepare = |change: &Change| {
            tables.get(change.collection())?;
            let (version, terms) = match change {
                Change::Insert { json, .. } | Change::Update { json, .. } => {
                    let unsupported = |error: serde_json::Error| StoreError::Unsupported {
                        detail: format!("document {} of `{}`: {error}", change.id(), change.collection().name),
                    };
                    let version = mapping::version(json).map_err(unsupported)?;
                    (stored_version(version)?, terms(change.collection(), json).map_err(unsupported)?)
                }
                Change::Delete { .. } => (0, Terms::new()),
            };
            Ok(PreparedChange { change: change.clone(), version, terms })
        };
        let changes = commit.changes.iter().map(prepare).collect::<StoreResult<_>>()?;
        let guards: Vec<Guard> = commit.effective_guards().cloned().collect();
        for guard in &guards {
            tables.get(guard.collection)?;
        }
        Ok(Self::Commit { changes, guards })
    }

    /// Returns the names of the changed collections, each once.
    pub(super) fn collections(&self) -> BTreeSet<&'static str> {
        match self {
            Self::Commit { changes, .. } => changes.iter().map(|change| change.change.collection().name).collect(),
            Self::Probe | Self::CopyMark(_) => BTreeSet::new(),
        }
    }
}

fn stored_version(version: u64) -> StoreResult<i64> {
    i64::try_from(version).map_err(|_| StoreError::Unsupported { detail: format!("version {version} is too large") })
}

/// The reason why a commit did not happen.
pub(super) enum Failure {
    /// A conflict or error of this commit alone.
    Refused(StoreError),
    /// The database failed, and with it all commits of the transaction.
    Database(rusqlite::Error),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl Failure {
    fn of(change: &Change, error: rusqlite::Error) -> Self {
        if connection::is_of_operation(&error) {
            Self::Refused(connection::failure(change.collection(), &error))
        } else {
            Self::Database(error)
        }
    }
}

/// Performs a commit in the open transaction. The caller rolls back the effects of a refused one.
pub(super) fn apply(connection: &Connection, tables: &Tables, work: &Instruction) -> Result<(), Failure> {
    match work {
        Instruction::Probe => run(connection, statements::PROBE, params![]).map(drop).map_err(Failure::Database),
        Instruction::CopyMark(Some(mark)) => {
            run(connection, statements::WRITE_COPY_MARK, params![mark]).map(drop).map_err(Failure::Database)
        }
        Instruction::CopyMark(None) => {
            run(connection, statements::DELETE_COPY_MARK, params![]).map(drop).map_err(Failure::Database)
        }
        Instruction::Commit { changes, guards } => {
            for prepared in changes {
                apply_change(connection, tables, prepared)?;
            }
            guards.iter().try_for_each(|guard| check_guard(connection, tables, guard))
        }
    }
}

fn run(connection: &Connection, sql: &str, parameters: impl rusqlite::Params) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.execute(parameters)
}

fn apply_change(connection: &Connection, tables: &Tables, prepared: &PreparedChange) -> Result<(), Failure> {
    let change = &prepared.change;
    let table = tables.get(change.collection())?;
    let id = change.id().to_string();
    let failed = |error| Failure::of(change, error);
    match change {
        Change::Insert { json, unique_keys, .. } => {
            let inserted = run(connection, &table.insert, params![id, prepared.version, json]).map_err(failed)?;
            if inserted == 0 {
                return Err(duplicate(table, format!("id:{id}")).into());
            }
            insert_terms(connection, table, None, &id, &prepared.terms).map_err(failed)?;
            insert_keys(connection, table, &id, &distinct(unique_keys)).map_err(failed)?.map_or(Ok(()), taken(table))
        }
        Change::Update { id: document, expected, json, unique_keys, .. } => {
            let stored = expect(connection, table, *document, &id, *expected).map_err(failed)??;
            let corrupt = |error| unreadable(table, *document, &error);
            let body = mapping::merge(table.collection.fields, &stored, json).map_err(corrupt)?;
            let moves = !table.terms.is_empty() && mapping::moves(table.collection, &stored, json).map_err(corrupt)?;
            if moves {
                delete_terms(connection, table, &id, &terms(table.collection, &stored).map_err(corrupt)?)
                    .map_err(failed)?;
            }
            run(connection, &table.update, params![id, prepared.version, body]).map_err(failed)?;
            if moves {
                insert_terms(connection, table, None, &id, &prepared.terms).map_err(failed)?;
            }
            replace_keys(connection, table, &id, unique_keys).map_err(failed)?.map_or(Ok(()), taken(table))
        }
        Change::Delete { id: document, expected, .. } => {
            let stored = expect(connection, table, *document, &id, *expected).map_err(failed)??;
            if !table.terms.is_empty() {
                let held = terms(table.collection, &stored).map_err(|error| unreadable(table, *document, &error))?;
                delete_terms(connection, table, &id, &held).map_err(failed)?;
            }
            run(connection, &table.delete, params![id]).map_err(failed)?;
            replace_keys(connection, table, &id, &[]).map_err(failed)?;
            Ok(())
        }
    }
}

fn unreadable(table: &Table, id: ObjectId, error: &serde_json::Error) -> StoreError {
    StoreError::Corrupt { collection: table.collection.name, id: Some(id), detail: error.to_string() }
}

/// Adds the entries of a stored document's terms: to all indexes, or to one.
pub(super) fn insert_terms(
    connection: &Connection,
    table: &Table,
    only: Option<&Index>,
    id: &str,
    terms: &[(&str, String)],
) -> rusqlite::Result<()> {
    for of_index in table.terms.iter().filter(|table| only.is_none_or(|index| table.is_of(index))) {
        for (_, terms) in terms.iter().filter(|(field, _)| *field == of_index.field) {
            run(connection, &of_index.insert, params![id, terms])?;
        }
    }
    Ok(())
}

/// Removes the entries of a document's terms. The document must still be stored as when they were added.
fn delete_terms(connection: &Connection, table: &Table, id: &str, terms: &[(&str, String)]) -> rusqlite::Result<()> {
    for of_index in &table.terms {
        for (_, terms) in terms.iter().filter(|(field, _)| *field == of_index.field) {
            run(connection, &of_index.delete, params![id, terms])?;
        }
    }
    Ok(())
}

/// Returns the stored text of a document at the expected version.
fn expect(
    connection: &Connection,
    table: &Table,
    document: ObjectId,
    id: &str,
    expected: u64,
) -> rusqlite::Result<StoreResult<String>> {
    let mut statement = connection.prepare_cached(&table.get)?;
    let found: Option<(i64, String)> = statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(match found {
        Some((version, body)) if u64::try_from(version) == Ok(expected) => Ok(body),
        _ => Err(StoreError::VersionConflict { collection: table.collection.name, id: document }),
    })
}

fn duplicate(table: &Table, key: String) -> StoreError {
    StoreError::DuplicateKey { collection: table.collection.name, key }
}

fn taken(table: &Table) -> impl FnOnce(String) -> Result<(), Failure> {
    move |key| Err(duplicate(table, key).into())
}

/// Returns the keys in order, without duplicates.
fn distinct(keys: &[String]) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    keys.iter().map(String::as_str).filter(|key| seen.insert(*key)).collect()
}

/// Inserts keys up to the first that is taken, which it returns.
fn insert_keys(connection: &Connection, table: &Table, id: &str, keys: &[&str]) -> rusqlite::Result<Option<String>> {
    for key in keys {
        if run(connection, statements::INSERT_KEY, params![table.collection.name, key, id])? == 0 {
            return Ok(Some((*key).to_owned()));
        }
    }
    Ok(None)
}

/// Replaces the keys of a document. Returns the first that is taken, if any.
fn replace_keys(connection: &Connection, table: &Table, id: &str, keys: &[String]) -> rusqlite::Result<Option<String>> {
    let mut wanted = distinct(keys);
    let held: Vec<String> = connection
        .prepare_cached(statements::SELECT_KEYS)?
        .query_map(params![table.collection.name, id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for key in held.iter().filter(|key| !wanted.contains(&key.as_str())) {
        run(connection, statements::DELETE_KEY, params![table.collection.name, key])?;
    }
    wanted.retain(|key| !held.iter().any(|present| present == key));
    insert_keys(connection, table, id, &wanted)
}

fn check_guard(connection: &Connection, tables: &Tables, guard: &Guard) -> Result<(), Failure> {
    let table = tables.get(guard.collection)?;
    let find = || -> rusqlite::Result<Option<i64>> {
        connection.prepare_cached(&table.version)?.query_row([guard.id.to_string()], |row| row.get(0)).optional()
    };
    let found = find().map_err(Failure::Database)?;
    let holds = match guard.expect {
        Expectation::Version(version) => found.is_some_and(|found| u64::try_from(found) == Ok(version)),
        Expectation::Absent => found.is_none(),
    };
    if holds { Ok(()) } else { Err(StoreError::GuardFailed { collection: guard.collection.name, id: guard.id }.into()) }
}
