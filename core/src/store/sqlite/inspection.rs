//! Inspects a database file without preparing it.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::{
    SqliteStore,
    connection::{self, existing},
    schema, statements,
};
use crate::store::{Collection, Inspection, StoreError, StoreResult};

/// Longest wait for a lock, which a writing server holds for milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

impl SqliteStore {
    /// Inspects the existing database file `path` without creating anything.
    ///
    /// # Errors
    /// [`StoreError::Configuration`] if it is not a database, [`StoreError::Unavailable`] if it cannot be read.
    pub fn inspect(path: impl AsRef<Path>, collections: &[&'static Collection]) -> StoreResult<Inspection> {
        let look = || -> rusqlite::Result<Inspection> {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path.as_ref(), flags)?;
            connection.busy_timeout(PATIENCE)?;
            let missing = schema::missing(&existing(&connection)?, collections);
            let schema_version = if connection.table_exists(None, "store_meta")? {
                connection.query_row(statements::READ_SCHEMA, [], |row| row.get(0)).optional()?
            } else {
                None
            };
            Ok(Inspection {
                schema_version,
                missing: missing.iter().filter_map(|statement| made_by(statement)).collect(),
                not_upgraded: Vec::new(),
                upgraded: true,
                not_writable: not_writable(&connection, schema_version.is_some()),
            })
        };
        look().map_err(|error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => StoreError::Configuration {
                detail: format!(
                    "`{}` is not a SQLite database: give another path, or restore it",
                    path.as_ref().display()
                ),
            },
            _ => connection::unavailable(&error),
        })
    }
}

/// Returns what a statement creates, such as `index tenants_by_name`; `None` for parts of something else.
fn made_by(statement: &str) -> Option<String> {
    let rest = statement.strip_prefix("CREATE ")?;
    let (kind, rest) = rest.split_once(' ')?;
    let name = rest.strip_prefix("IF NOT EXISTS ").unwrap_or(rest);
    let name = name.split(['(', ' ']).next()?.trim_matches('"');
    Some(format!("{} {name}", kind.to_lowercase()))
}

/// Writes durably, as a commit does, and returns the error if that fails.
fn not_writable(connection: &Connection, prepared: bool) -> Option<String> {
    let write = if prepared { statements::PROBE } else { "" };
    connection.execute_batch(&format!("BEGIN IMMEDIATE; {write}; COMMIT")).err().map(|error| {
        match connection::unavailable(&error) {
            StoreError::Unavailable { detail } => detail,
            other => other.to_string(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::made_by;

    #[test]
    fn statements_tell_what_they_make() {
        let made = |statement: &str| made_by(statement);
        assert_eq!(made("CREATE INDEX \"a_by_b\" ON \"a\"(\"field_b\")"), Some("index a_by_b".to_owned()));
        assert_eq!(made("CREATE TABLE IF NOT EXISTS store_meta(key TEXT)"), Some("table store_meta".to_owned()));
        assert_eq!(made("ALTER TABLE \"a\" ADD COLUMN \"field_b\" TEXT"), None);
        assert_eq!(made("DROP INDEX \"a_by_b\""), None);
    }
}
