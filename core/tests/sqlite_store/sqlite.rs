//! Tests of promises that only the embedded store makes.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use dezky::{
    context::RequestContext,
    domain::ObjectId,
    store::{
        Collection, Commit, Field, FieldType, Guest, Index, Query, Repository, SCHEMA_VERSION, Scope, Store,
        StoreError,
        conformance::{ACCOUNTS, Account, COLLECTIONS},
        sqlite::{SqliteOptions, SqliteStore},
    },
};
use rusqlite::Connection;

fn context() -> RequestContext {
    RequestContext::system("test")
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, SqliteOptions::default(), &COLLECTIONS).unwrap()
}

fn impatient() -> SqliteOptions {
    let (busy_timeout, retry_interval) = (Duration::from_millis(50), Duration::from_millis(20));
    SqliteOptions { busy_timeout, retry_interval, ..SqliteOptions::default() }
}

fn account(name: &str) -> Account {
    Account::new(ObjectId::generate(), name)
}

async fn insert(store: &SqliteStore, account: &Account) -> Result<(), StoreError> {
    let mut commit = Commit::new();
    commit.insert(account).unwrap();
    store.commit(&context(), &commit).await
}

/// Waits until the store is healthy; the test's own time limit ends a futile wait.
async fn recovered(store: &SqliteStore) {
    while store.health(&context()).await.is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn detail(error: StoreError) -> String {
    match error {
        StoreError::Unavailable { detail } => detail,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn reopening_keeps_what_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let account = account("kept");
    insert(&open(&path), &account).await.unwrap();
    assert_eq!(open(&path).load(&context(), account.id).await.unwrap(), Some(account));
}

#[tokio::test]
async fn dropping_the_last_handle_finishes_waiting_commits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path);
    let accounts: Vec<Account> = (0..50).map(|number| account(&number.to_string())).collect();
    let tasks: Vec<_> = accounts
        .iter()
        .cloned()
        .map(|account| {
            let store = store.clone();
            tokio::spawn(async move { insert(&store, &account).await })
        })
        .collect();
    drop(store);
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert!(!folder.path().join("a.db-wal").exists(), "the file was not closed");
    let found = open(&path).find(&context(), &Query::new(&ACCOUNTS)).await.unwrap();
    assert_eq!(found.len(), accounts.len());
}

#[cfg(unix)]
#[tokio::test]
async fn a_missing_folder_is_made_and_nobody_else_may_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/deeper/a.db");
    let store = open(&path);
    insert(&store, &account("first")).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&folder.path().join("new/deeper/a.db-wal")), 0o600);
}

#[test]
fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(open(&path));
    let newer = SCHEMA_VERSION + 1;
    let changed = Connection::open(&path)
        .unwrap()
        .execute("UPDATE store_meta SET value = ?1 WHERE key = 'schema_version'", [newer])
        .unwrap();
    assert_eq!(changed, 1);
    let refused = SqliteStore::open(&path, SqliteOptions::default(), &COLLECTIONS).unwrap_err();
    assert_eq!(refused, StoreError::NewerSchema { found: newer, known: SCHEMA_VERSION });
}

/// A layout may change without a table or an index that is new: the version alone keeps the release before away.
#[test]
fn an_older_schema_is_raised_even_if_nothing_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(open(&path));
    let file = Connection::open(&path).unwrap();
    let lower = "UPDATE store_meta SET value = value - 1 WHERE key = 'schema_version'";
    assert_eq!(file.execute(lower, []).unwrap(), 1);
    drop(open(&path));
    let read = "SELECT value FROM store_meta WHERE key = 'schema_version'";
    let version: u32 = file.query_row(read, [], |row| row.get(0)).unwrap();
    assert_eq!(version, SCHEMA_VERSION);
}

#[test]
fn locations_that_cannot_hold_a_database_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "this is no database, only a text that is long enough to have a header").unwrap();
    for path in [file.join("a.db"), folder.path().to_owned(), file] {
        let refused = SqliteStore::open(&path, SqliteOptions::default(), &COLLECTIONS).unwrap_err();
        assert!(matches!(refused, StoreError::Configuration { .. }), "{refused:?}");
        assert!(refused.to_string().contains(path.file_name().unwrap().to_str().unwrap()) || path.ends_with("a.db"));
    }
}

#[tokio::test]
async fn a_new_index_serves_old_documents() {
    static INDEXES: [Index; 3] = [
        Index { name: "by_name", fields: &["name"] },
        Index { name: "by_rank", fields: &["active", "rank"] },
        Index { name: "by_note", fields: &["note"] },
    ];
    static EVOLVED: Collection = Collection {
        name: "conformance_accounts",
        fields: &[
            Field::new("version", FieldType::Integer),
            Field::new("name", FieldType::Text),
            Field::new("rank", FieldType::Integer),
            Field::new("active", FieldType::Boolean),
            Field::new("note", FieldType::Text),
        ],
        indexes: &INDEXES,
        scope: Scope::Platform,
        guest: Guest::Closed,
    };
    static LATER: [&Collection; 1] = [&EVOLVED];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let mut old = account("old");
    old.note = Some("found by it".to_owned());
    old.rank = 7;
    insert(&open(&path), &old).await.unwrap();
    let later = SqliteStore::open(&path, SqliteOptions::default(), &LATER).unwrap();
    for query in [
        Query::new(&EVOLVED).filter(dezky::store::Filter::Prefix("note", "found".to_owned())),
        Query::new(&EVOLVED).equal("active", true).equal("rank", 7).sort(&INDEXES[1]),
    ] {
        let found = later.find(&context(), &query).await.unwrap();
        assert_eq!(found.iter().map(|document| document.id).collect::<Vec<_>>(), [old.id]);
    }
    // The older release keeps working on the same file.
    let earlier = open(&path);
    assert_eq!(earlier.load_all::<Account>(&context(), &Query::new(&ACCOUNTS)).await.unwrap(), [old]);
}

/// A file of the previous release, with documents without terms, is opened by two processes at once.
#[tokio::test(flavor = "multi_thread")]
async fn documents_of_an_earlier_release_are_found_by_words_once_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let written: Vec<Account> = (0..700).map(|number| account(&format!("Old {number} Word{}", number % 7))).collect();
    let store = open(&path);
    for some in written.chunks(100) {
        let mut commit = Commit::new();
        some.iter().for_each(|account| commit.insert(account).unwrap());
        store.commit(&context(), &commit).await.unwrap();
    }
    drop(store);
    let file = Connection::open(&path).unwrap();
    file.execute_batch(
        "DROP TABLE conformance_accounts_by_word; DROP TABLE conformance_accounts_by_tenant_active_word;
         UPDATE store_meta SET value = 1 WHERE key = 'schema_version'",
    )
    .unwrap();
    let opened: Vec<_> = (0..2)
        .map(|_| {
            std::thread::spawn({
                let path = path.clone();
                move || open(&path)
            })
        })
        .collect();
    for store in opened.into_iter().map(|opening| opening.join().unwrap()) {
        let sort = ACCOUNTS.index("by_word").unwrap();
        let query = Query::new(&ACCOUNTS).sort(sort).equal("_words", "nword3").limit(1_000);
        assert_eq!(store.find(&context(), &query).await.unwrap().len(), 100);
    }
    let version: u32 =
        file.query_row("SELECT value FROM store_meta WHERE key = 'schema_version'", [], |row| row.get(0)).unwrap();
    assert_eq!(version, SCHEMA_VERSION);
}

#[tokio::test]
async fn a_lock_of_another_process_makes_commits_unavailable_until_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = SqliteStore::open(&path, impatient(), &COLLECTIONS).unwrap();
    let account = account("waiting");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = detail(insert(&store, &account).await.unwrap_err());
    assert!(refused.contains("another process holds the lock"), "{refused}");
    assert!(detail(store.health(&context()).await.unwrap_err()).contains("lock"));
    assert_eq!(store.load::<Account>(&context(), account.id).await.unwrap(), None);
    other.execute_batch("ROLLBACK").unwrap();
    insert(&store, &account).await.unwrap();
    store.health(&context()).await.unwrap();
    assert_eq!(store.load(&context(), account.id).await.unwrap(), Some(account));
}

#[tokio::test]
async fn a_short_deadline_ends_the_wait_for_a_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path);
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut commit = Commit::new();
    commit.insert(&account("late")).unwrap();
    let hurried = context().with_timeout(Duration::from_millis(20));
    assert_eq!(store.commit(&hurried, &commit).await, Err(StoreError::Timeout));
    other.execute_batch("ROLLBACK").unwrap();
    store.health(&context()).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_locked_at_the_start_is_opened_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let store = SqliteStore::open(&path, impatient(), &COLLECTIONS).unwrap();
    let account = account("later");
    for refused in [
        store.health(&context()).await.unwrap_err(),
        insert(&store, &account).await.unwrap_err(),
        store.get(&context(), &ACCOUNTS, account.id).await.unwrap_err(),
    ] {
        assert!(detail(refused).contains("lock"));
    }
    other.execute_batch("ROLLBACK").unwrap();
    recovered(&store).await;
    insert(&store, &account).await.unwrap();
    assert_eq!(store.load(&context(), account.id).await.unwrap(), Some(account));
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_opened_once_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    // A folder in place of the log, which prevents SQLite from opening its files.
    let log = folder.path().join("a.db-wal");
    fs::create_dir_all(log.join("in the way")).unwrap();
    let store = SqliteStore::open(&path, impatient(), &COLLECTIONS).unwrap();
    let refused = detail(store.health(&context()).await.unwrap_err());
    assert!(!refused.is_empty());
    fs::remove_dir_all(&log).unwrap();
    recovered(&store).await;
    insert(&store, &account("first")).await.unwrap();
}

#[tokio::test]
async fn documents_much_larger_than_a_page_survive() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("a.db"));
    let mut huge = account("huge");
    huge.note = Some("x".repeat(2_000_000));
    insert(&store, &huge).await.unwrap();
    assert_eq!(store.load(&context(), huge.id).await.unwrap(), Some(huge));
}

/// Checkpoints the whole log into the database file, which no read transaction may block.
fn checkpoint(path: &Path) -> bool {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    busy == 0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_that_has_ended_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path);
    let account = account("read");
    insert(&store, &account).await.unwrap();
    for _ in 0..2 {
        assert_eq!(store.load(&context(), account.id).await.unwrap().as_ref(), Some(&account));
        let path = path.clone();
        assert!(tokio::task::spawn_blocking(move || checkpoint(&path)).await.unwrap(), "a reader held the log");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stays_small_under_reading_without_pause() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path);
    let account = account("read");
    insert(&store, &account).await.unwrap();
    let written = Arc::new(AtomicBool::new(false));
    let reading = tokio::spawn({
        let (store, written, id) = (store.clone(), Arc::clone(&written), account.id);
        async move {
            while !written.load(Ordering::Relaxed) {
                assert!(store.load::<Account>(&context(), id).await.unwrap().is_some());
                tokio::task::yield_now().await;
            }
        }
    });
    // The scheduler determines when there is a moment without reads. A log that restarts stays smaller than the data
    // written, and one that never does contains all of it.
    let (mut megabytes, mut log) = (0, 0);
    while megabytes < 300 && (megabytes < 60 || log + 30_000_000 > megabytes * 1_000_000) {
        let mut large = self::account(&format!("large {megabytes}"));
        large.note = Some("x".repeat(1_000_000));
        insert(&store, &large).await.unwrap();
        megabytes += 1;
        log = fs::metadata(folder.path().join("a.db-wal")).unwrap().len();
    }
    written.store(true, Ordering::Relaxed);
    reading.await.unwrap();
    assert!(log + 30_000_000 <= megabytes * 1_000_000, "{megabytes} MB were written, and the log has {log} bytes");
}

#[tokio::test]
async fn a_damaged_document_is_named_and_spoils_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path);
    let (damaged, sound) = (account("damaged"), account("sound"));
    insert(&store, &damaged).await.unwrap();
    insert(&store, &sound).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute("UPDATE conformance_accounts SET body = '[]' WHERE id = ?1", [damaged.id.to_string()]).unwrap();
    let mut commit = Commit::new();
    commit.update(&damaged.changed(|_| ()), 1).unwrap();
    for refused in [
        store.load::<Account>(&context(), damaged.id).await.unwrap_err(),
        store.commit(&context(), &commit).await.unwrap_err(),
    ] {
        assert!(matches!(refused, StoreError::Corrupt { id: Some(id), .. } if id == damaged.id), "{refused:?}");
    }
    assert_eq!(store.load(&context(), sound.id).await.unwrap(), Some(sound));
    store.health(&context()).await.unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    {
        let store = open(&path);
        for number in 0..200 {
            insert(&store, &account(&number.to_string())).await.unwrap();
        }
    }
    let mut bytes = fs::read(&path).unwrap();
    bytes[4_096..].fill(0xff);
    fs::write(&path, bytes).unwrap();
    match SqliteStore::open(&path, impatient(), &COLLECTIONS) {
        Ok(store) => {
            let refused = detail(store.health(&context()).await.unwrap_err());
            assert!(refused.contains("damaged"), "{refused}");
        }
        Err(refused) => assert!(refused.to_string().contains("damaged"), "{refused}"),
    }
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("a.db"));
    for _ in 0..20 {
        let mut commit = Commit::new();
        (0..1_000).for_each(|number| commit.insert(&account(&format!("{number}"))).unwrap());
        store.commit(&context(), &commit).await.unwrap();
    }
    let slow = Query::new(&ACCOUNTS).limit(u32::MAX);
    let hurried = context().with_timeout(Duration::from_micros(300));
    assert_eq!(store.find(&hurried, &slow).await, Err(StoreError::Timeout));
    assert_eq!(store.find(&context(), &slow).await.unwrap().len(), 20_000);
}

#[tokio::test]
async fn a_collection_that_was_not_opened_is_refused() {
    static NONE: [&Collection; 0] = [];
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("a.db"), SqliteOptions::default(), &NONE).unwrap();
    let refused = insert(&store, &account("nowhere")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unsupported { .. }), "{refused:?}");
    store.health(&context()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_makes_others_wait_and_then_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let options = SqliteOptions { queue: 1, ..SqliteOptions::default() };
    let store = Arc::new(SqliteStore::open(&path, options, &COLLECTIONS).unwrap());
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let first = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { insert(&store, &account("first")).await })
    };
    let mut commit = Commit::new();
    commit.insert(&account("second")).unwrap();
    // Until the first one has the only slot, the second times out behind the lock instead.
    loop {
        let hurried = context().with_timeout(Duration::from_millis(20));
        match store.commit(&hurried, &commit).await.unwrap_err() {
            StoreError::Timeout => {}
            refused => break assert!(detail(refused).contains("too many commits")),
        }
    }
    other.execute_batch("ROLLBACK").unwrap();
    first.await.unwrap().unwrap();
    store.commit(&context(), &commit).await.unwrap();
}
