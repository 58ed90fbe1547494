//! Tests that inspecting a store reports what is missing without creating it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![cfg(all(feature = "test-kit", feature = "sqlite", feature = "mongodb"))]

use dezky::{
    COLLECTIONS,
    context::RequestContext,
    store::{
        SCHEMA_VERSION, Store,
        mongodb::{MongodbOptions, MongodbStore},
        sqlite::{SqliteOptions, SqliteStore},
    },
    test_kit::mongodb_server::shared_uri,
};

#[tokio::test]
async fn a_lost_index_of_sqlite_is_named_and_stays_lost() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dezky.sqlite");
    std::fs::write(&file, "").unwrap();
    let empty = SqliteStore::inspect(&file, COLLECTIONS).unwrap();
    assert_eq!((empty.schema_version, empty.not_writable), (None, None));
    assert!(empty.missing.contains(&"table tenants".to_owned()), "{:?}", empty.missing);
    drop(SqliteStore::open(&file, SqliteOptions::default(), COLLECTIONS).unwrap());
    let whole = SqliteStore::inspect(&file, COLLECTIONS).unwrap();
    assert_eq!((whole.schema_version, whole.missing), (Some(SCHEMA_VERSION), Vec::new()));
    rusqlite::Connection::open(&file).unwrap().execute_batch("DROP INDEX tenants_by_name").unwrap();
    for _ in 0..2 {
        assert_eq!(SqliteStore::inspect(&file, COLLECTIONS).unwrap().missing, ["index tenants_by_name"]);
    }
}

#[tokio::test]
async fn what_holds_the_lock_for_ever_is_told_as_not_writable() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dezky.sqlite");
    drop(SqliteStore::open(&file, SqliteOptions::default(), COLLECTIONS).unwrap());
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let held = SqliteStore::inspect(&file, COLLECTIONS).unwrap();
    assert!(held.not_writable.unwrap().contains("another process holds the lock"));
}

#[tokio::test]
async fn a_lost_index_of_mongodb_is_named_and_stays_lost() {
    let uri = shared_uri().unwrap();
    let context = RequestContext::system("inspection");
    let inspect = async || {
        let store = MongodbStore::open(&uri, MongodbOptions::default(), COLLECTIONS).unwrap();
        store.inspect(&context).await.unwrap()
    };
    let empty = inspect().await;
    assert_eq!((empty.schema_version, empty.not_writable), (None, None));
    assert!(empty.missing.contains(&"index tenants.unique_keys".to_owned()), "{:?}", empty.missing);
    let store = MongodbStore::open(&uri, MongodbOptions::default(), COLLECTIONS).unwrap();
    store.health(&context).await.unwrap();
    let whole = inspect().await;
    assert_eq!((whole.schema_version, whole.missing), (Some(SCHEMA_VERSION), Vec::new()));
    let database = mongodb::Client::with_uri_str(&uri).await.unwrap().default_database().unwrap();
    let tenants = database.collection::<mongodb::bson::Document>("tenants");
    tenants.drop_index("uniqueKeys_1").await.unwrap();
    for _ in 0..2 {
        assert_eq!(inspect().await.missing, ["index tenants.unique_keys"]);
    }
}
