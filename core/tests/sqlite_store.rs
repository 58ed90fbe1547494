//! Tests the embedded store's promises: those of the port, and its own.
#![cfg(all(feature = "sqlite", feature = "test-kit"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "sqlite_store/sqlite.rs"]
mod sqlite;

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use dezky::{
    domain::ObjectId,
    store::{
        Collection, SharedStore,
        conformance::{COLLECTIONS, Fixture},
        sqlite::{SqliteOptions, SqliteStore},
    },
};
use rusqlite::{Connection, OptionalExtension};
use tempfile::TempDir;

struct SqliteFixture {
    store: SharedStore,
    folder: TempDir,
}

impl SqliteFixture {
    fn path(&self) -> PathBuf {
        self.folder.path().join("dezky.db")
    }

    fn connection(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }
}

async fn fixture() -> SqliteFixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dezky.db");
    let store = Arc::new(SqliteStore::open(path, SqliteOptions::default(), &COLLECTIONS).unwrap());
    SqliteFixture { store, folder }
}

#[async_trait]
impl Fixture for SqliteFixture {
    fn store(&self) -> SharedStore {
        Arc::clone(&self.store)
    }

    async fn second(&self) -> SharedStore {
        Arc::new(SqliteStore::open(self.path(), SqliteOptions::default(), &COLLECTIONS).unwrap())
    }

    async fn put_raw(&self, collection: &'static Collection, id: ObjectId, path: &str, value: serde_json::Value) {
        let changed = self
            .connection()
            .execute(
                &format!("UPDATE {} SET body = json_set(body, '$.' || ?2, json(?3)) WHERE id = ?1", collection.name),
                (id.to_string(), path, value.to_string()),
            )
            .unwrap();
        assert_eq!(changed, 1);
    }

    async fn raw(&self, collection: &'static Collection, id: ObjectId, path: &str) -> Option<serde_json::Value> {
        let text: Option<String> = self
            .connection()
            .query_row(
                &format!("SELECT body -> ('$.' || ?2) FROM {} WHERE id = ?1", collection.name),
                (id.to_string(), path),
                |row| row.get(0),
            )
            .optional()
            .unwrap()
            .flatten();
        text.map(|text| serde_json::from_str(&text).unwrap())
    }
}

dezky::store_conformance!(fixture);
