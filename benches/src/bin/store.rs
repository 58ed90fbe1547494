//! Measures the embedded store: point reads, and durable commits of three documents by 32 concurrent writers.
//!
//! `store [FOLDER]` creates the database in a new folder inside of FOLDER, or of the system's temporary folder.
#![allow(clippy::print_stdout, reason = "the figures are what the program is for")]

use std::{path::PathBuf, sync::Arc, time::Instant};

use dezky::{
    context::RequestContext,
    domain::ObjectId,
    store::{
        Change, Commit, Query, Store,
        conformance::{ACCOUNTS, ACTIVITIES, Account, COLLECTIONS},
        sqlite::{SqliteOptions, SqliteStore},
    },
};
use dezky_benches::{Failure, median};

const DOCUMENTS: usize = 10_000;
const READS: usize = 100_000;
const WRITERS: usize = 32;
const COMMITS: i64 = 500;
const REPETITIONS: usize = 5;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let parent = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(parent)?;
    let store = SqliteStore::open(folder.path().join("bench.db"), SqliteOptions::default(), &COLLECTIONS)?;
    let store = Arc::new(store);
    let ids = fill(&store).await?;
    let mut figures: [Vec<f64>; 3] = Default::default();
    let [by_id, by_key, commits] = &mut figures;
    for _ in 0..REPETITIONS {
        by_id.push(read(&store, &ids).await?);
        by_key.push(look_up(&store).await?);
        commits.push(write(&store).await?);
    }
    println!("medians of {REPETITIONS}");
    println!("reads by id, one task                      {:>9.0} a second", median(by_id.drain(..)));
    println!("reads by unique key, one task              {:>9.0} a second", median(by_key.drain(..)));
    let commits = median(commits.drain(..));
    println!("durable commits, {WRITERS} writers                 {commits:>9.0} a second");
    println!("durable changes of documents, {WRITERS} writers    {:>9.0} a second", commits * 3.0);
    Ok(())
}

fn account(number: usize) -> Account {
    let mut account = Account::new(ObjectId::generate(), &format!("name {number}"));
    account.note = Some("x".repeat(200));
    account.email = Some(format!("{number}"));
    account
}

async fn fill(store: &SqliteStore) -> Result<Vec<ObjectId>, Failure> {
    let mut ids = Vec::new();
    let mut commit = Commit::new();
    for number in 0..DOCUMENTS {
        let account = account(number);
        ids.push(account.id);
        commit.insert(&account)?;
    }
    store.commit(&RequestContext::system("bench"), &commit).await?;
    Ok(ids)
}

/// Returns the reads per second.
fn rate(count: usize, start: Instant) -> f64 {
    count as f64 / start.elapsed().as_secs_f64()
}

async fn read(store: &SqliteStore, ids: &[ObjectId]) -> Result<f64, Failure> {
    let context = RequestContext::system("bench");
    let start = Instant::now();
    for id in ids.iter().cycle().step_by(7).take(READS) {
        store.get(&context, &ACCOUNTS, *id).await?.ok_or("a document is missing")?;
    }
    Ok(rate(READS, start))
}

async fn look_up(store: &SqliteStore) -> Result<f64, Failure> {
    let context = RequestContext::system("bench");
    let start = Instant::now();
    for number in 0..READS {
        let query = Query::unique(&ACCOUNTS, format!("email:{}", number * 7 % DOCUMENTS));
        store.find(&context, &query).await?.first().ok_or("a document is missing")?;
    }
    Ok(rate(READS, start))
}

/// Returns commits per second; each updates a document and inserts two, as a change with its events does.
async fn write(store: &Arc<SqliteStore>) -> Result<f64, Failure> {
    let mut accounts = Vec::new();
    let mut first = Commit::new();
    for _ in 0..WRITERS {
        let mut account = account(0);
        account.email = Some(account.id.to_string());
        first.insert(&account)?;
        accounts.push(account);
    }
    store.commit(&RequestContext::system("bench"), &first).await?;
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for account in accounts {
        tasks.spawn(change(Arc::clone(store), account));
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(rate(WRITERS * usize::try_from(COMMITS)?, start))
}

async fn change(store: Arc<SqliteStore>, mut account: Account) -> Result<(), Failure> {
    let context = RequestContext::system("bench");
    for rank in 0..COMMITS {
        let expected = account.version;
        account.version += 1;
        account.rank = rank;
        let mut commit = Commit::new();
        commit.update(&account, expected)?;
        for _ in 0..2 {
            let id = ObjectId::generate();
            let json = format!(
                r#"{{"id":"{id}","userId":"{}","seenAt":"2026-01-01T00:00:00.000Z","note":"{}"}}"#,
                account.id,
                "y".repeat(150)
            );
            commit.changes.push(Change::Insert { collection: &ACTIVITIES, id, json, unique_keys: Vec::new() });
        }
        store.commit(&context, &commit).await?;
    }
    Ok(())
}
