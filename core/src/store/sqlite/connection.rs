//! Connections: opening them, bounding their operations, and translating their errors.

use std::{
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, ToSql, TransactionBehavior,
    config::DbConfig,
    types::{ToSqlOutput, ValueRef},
};

use super::{
    batch,
    mapping::Parameter,
    schema::{self, Existing},
    statements::{self, Tables},
};
use crate::store::{Collection, Index, SCHEMA_VERSION, StoreError, StoreResult};

/// Interval between attempts to take a lock that another process holds.
///
/// SQLite's own intervals grow to 100 ms, which lets a process that writes continuously starve the others.
const LOCK_INTERVAL: Duration = Duration::from_millis(1);

/// Instructions of SQLite's virtual machine between checks of the deadline: some tens of microseconds.
const INSTRUCTIONS: i32 = 2_000;

/// Size to which the log file is truncated when the log restarts.
///
/// It is a little more than at a checkpoint, which is due at 2,000 pages of 4 KiB with headers of 24 bytes. A log that
/// is longer is waiting to restart.
pub(super) const LOG_BYTES: u64 = 8 << 20;

/// Prepared statements that a connection caches: the fixed ones and the common shapes of queries.
const STATEMENTS: usize = 128;

impl ToSql for Parameter {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Integer(number) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
        })
    }
}

/// The deadline of a connection's operation, shared with SQLite's callbacks.
#[derive(Debug, Clone)]
pub(super) struct Bound(Arc<AtomicU64>);

impl Bound {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }

    pub(super) fn set(&self, end: Instant) {
        self.0.store(nanoseconds(end), Ordering::Relaxed);
    }

    fn passed(&self) -> bool {
        nanoseconds(Instant::now()) >= self.0.load(Ordering::Relaxed)
    }
}

fn nanoseconds(instant: Instant) -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = *START.get_or_init(Instant::now);
    u64::try_from(instant.saturating_duration_since(start).as_nanos()).unwrap_or(u64::MAX)
}

/// Opens a connection for reading. Queries end at its bound; the asynchronous caller waits for locks.
pub(super) fn open_reader(file: &Path) -> rusqlite::Result<(Connection, Bound)> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(file, flags)?;
    let bound = Bound::new();
    let end = bound.clone();
    connection.busy_timeout(Duration::ZERO)?;
    connection.progress_handler(INSTRUCTIONS, Some(move || end.passed()))?;
    prepare(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok((connection, bound))
}

/// Opens the connection for writing, on a database with all tables and indexes. It waits for locks until its bound.
///
/// # Errors
/// [`StoreError::NewerSchema`]; [`StoreError::Configuration`] if the file is not an SQLite database or cannot have a
/// write-ahead log; [`StoreError::Unavailable`] for transient errors.
pub(super) fn open_writer(
    file: &Path,
    collections: &[&'static Collection],
    patience: Duration,
) -> StoreResult<(Connection, Bound)> {
    let end = Instant::now() + patience;
    loop {
        match attempt_writer(file, collections, end) {
            // Not every lock is waited for by SQLite itself: not that of a process that closes the file, for one.
            Err(Opening::Sqlite(error)) if is_locked(&error) && Instant::now() < end => thread::sleep(LOCK_INTERVAL),
            Err(Opening::Sqlite(error)) => return Err(opening(file, &error)),
            Err(Opening::Store(error)) => return Err(error),
            Ok(opened) => return Ok(opened),
        }
    }
}

/// Failure to open the connection for writing.
enum Opening {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for Opening {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn attempt_writer(
    file: &Path,
    collections: &[&'static Collection],
    end: Instant,
) -> Result<(Connection, Bound), Opening> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(file, flags)?;
    let bound = Bound::new();
    bound.set(end);
    let waits = bound.clone();
    connection.busy_handler(Some(move |_attempts| {
        let waiting = !waits.passed();
        if waiting {
            thread::sleep(LOCK_INTERVAL);
        }
        waiting
    }))?;
    prepare(&connection)?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Opening::Store(StoreError::Configuration {
            detail: format!("`{}` cannot have a write-ahead log (it has `{mode}`): use a local disk", file.display()),
        }));
    }
    // FULL: every acknowledged commit is synchronized to the disk (https://sqlite.org/pragma.html#pragma_synchronous).
    let limit = LOG_BYTES.to_string();
    for (pragma, value) in [("synchronous", "FULL"), ("wal_autocheckpoint", "2000"), ("journal_size_limit", &limit)] {
        connection.pragma_update(None, pragma, value)?;
    }
    check_schema(&connection)?;
    migrate(&mut connection, collections)?;
    Ok((connection, bound))
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Plans must not depend on bound values, or statements would be compiled again for each value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "temp_store", "memory")
}

fn opening(file: &Path, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::Configuration {
            detail: format!("`{}` is not a SQLite database: give another path, or restore it", file.display()),
        },
        _ => unavailable(error),
    }
}

fn stored_schema(connection: &Connection) -> rusqlite::Result<Option<u32>> {
    if !connection.table_exists(None, "store_meta")? {
        return Ok(None);
    }
    connection.query_row(statements::READ_SCHEMA, [], |row| row.get(0)).optional()
}

fn check_schema(connection: &Connection) -> Result<(), Opening> {
    match stored_schema(connection)? {
        Some(found) if found > SCHEMA_VERSION => {
            Err(Opening::Store(StoreError::NewerSchema { found, known: SCHEMA_VERSION }))
        }
        _ => Ok(()),
    }
}

/// Creates what is missing. A complete database of this version is only read, so that opening it does not wait for
/// another writer.
fn migrate(connection: &mut Connection, collections: &[&'static Collection]) -> Result<(), Opening> {
    let complete = |connection: &Connection| -> rusqlite::Result<Vec<String>> {
        let missing = schema::missing(&existing(connection)?, collections);
        Ok(missing)
    };
    if complete(connection)?.is_empty() && stored_schema(connection)? == Some(SCHEMA_VERSION) {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have come first.
    check_schema(&transaction)?;
    let apply = |transaction: &rusqlite::Transaction<'_>| -> rusqlite::Result<()> {
        let statements = complete(transaction)?;
        for statement in &statements {
            transaction.execute(statement, [])?;
        }
        for (collection, index) in schema::to_fill(&statements, collections) {
            fill(transaction, collection, index)?;
        }
        transaction.execute(statements::WRITE_SCHEMA, [SCHEMA_VERSION]).map(drop)
    };
    Ok(apply(&transaction).and_then(|()| transaction.commit())?)
}

/// Fills the table of terms with the existing documents.
///
/// It is part of the transaction that creates the table, so that a table of terms is always complete.
fn fill(connection: &Connection, collection: &'static Collection, index: &'static Index) -> rusqlite::Result<()> {
    let tables = Tables::new(&[collection]);
    let Ok(table) = tables.get(collection) else { return Ok(()) };
    let mut entered = 0_u64;
    let mut documents = connection.prepare(&format!("SELECT id, body FROM {}", schema::identifier(collection.name)))?;
    let mut rows = documents.query([])?;
    while let Some(row) = rows.next()? {
        let (id, body): (String, String) = (row.get(0)?, row.get(1)?);
        // An unreadable document is found by no search, and reading it reports the error.
        if let Ok(terms) = batch::terms(collection, &body) {
            batch::insert_terms(connection, table, Some(index), &id, &terms)?;
            entered = entered.saturating_add(1);
        }
    }
    if entered > 0 {
        tracing::info!(collection = collection.name, index = index.name, entered, "documents can be searched by words");
    }
    Ok(())
}

pub(super) fn existing(connection: &Connection) -> rusqlite::Result<Existing> {
    let mut found = Existing::default();
    let mut objects = connection.prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")?;
    let mut rows = objects.query([])?;
    while let Some(row) = rows.next()? {
        found.objects.insert(row.get(0)?, row.get(1)?);
    }
    let mut columns = connection.prepare(
        "SELECT tables.name || '.' || columns.name FROM sqlite_schema AS tables, pragma_table_xinfo(tables.name) AS columns \
         WHERE tables.type = 'table'",
    )?;
    let mut rows = columns.query([])?;
    while let Some(row) = rows.next()? {
        found.columns.insert(row.get(0)?);
    }
    Ok(found)
}

/// Returns `true` if the connection is no longer usable after this error.
pub(super) fn breaks_connection(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::NotADatabase
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::PermissionDenied
                | ErrorCode::FileLockingProtocolFailed
        )
    )
}

/// Returns `true` if nothing can be read either after this error of the writer.
///
/// Reads still work with a full disk or a read-only file, and on pages other than a damaged one.
pub(super) fn prevents_reading(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::NotADatabase | ErrorCode::FileLockingProtocolFailed)
    )
}

/// Records that a damaged page was found.
pub(super) fn note_damage(error: &rusqlite::Error, damage: &OnceLock<String>) {
    if matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)) {
        damage.get_or_init(|| {
            tracing::error!(%error, "the database file is damaged: stop all processes that use it and restore it");
            described(error)
        });
    }
}

/// Returns `true` if another process holds a lock.
pub(super) fn is_locked(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Returns `true` if the error is caused by one operation and not by the database.
pub(super) fn is_of_operation(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(ErrorCode::Unknown | ErrorCode::TooBig | ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch) => true,
        Some(_) => false,
        None => true,
    }
}

/// Translates an error of an operation on a collection.
pub(super) fn failure(collection: &'static Collection, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => StoreError::Timeout,
        Some(ErrorCode::TooBig) => StoreError::Unsupported { detail: format!("a document is too large: {error}") },
        _ if is_of_operation(error) => {
            StoreError::Corrupt { collection: collection.name, id: None, detail: error.to_string() }
        }
        _ => unavailable(error),
    }
}

/// Translates an error of the database as a whole.
pub(super) fn unavailable(error: &rusqlite::Error) -> StoreError {
    StoreError::Unavailable { detail: described(error) }
}

/// Describes the error in the words of the database, with advice.
fn described(error: &rusqlite::Error) -> String {
    let advice = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process holds the lock of the database file"
        }
        Some(ErrorCode::DiskFull) => "the disk is full, free space on it",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "the database file cannot be written, let the user that runs dezky write it and its folder"
        }
        Some(ErrorCode::CannotOpen) => {
            "the database file cannot be opened, let the user that runs dezky read and write it and its folder"
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "the database file is damaged, stop all processes that use it and restore it"
        }
        Some(ErrorCode::SystemIoFailure) => {
            "the disk refuses to be read or written, see to its space, quotas, limits and health"
        }
        _ => "the database failed",
    };
    format!("{advice}: {error}")
}
