//! The processes on one file are killed.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::{
    support::{Process, dev},
    writing::{assert_nothing_lost_or_doubled, create, whole, writes},
};

/// Processes on one file, and writers of each.
const PROCESSES: usize = 2;
const WRITERS: usize = 4;
/// How often all processes are killed.
const KILLS: usize = 2;

/// Documents of a collection, as they are in the file.
fn documents(folder: &Path, collection: &str) -> Vec<Value> {
    let file = folder.join(".dezky/dezky.sqlite");
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = connection.prepare(&format!("SELECT body FROM {collection}")).unwrap();
    let bodies = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    bodies.map(|body| serde_json::from_str(&body.unwrap()).unwrap()).collect()
}

fn tenants(folder: &Path) -> BTreeMap<String, String> {
    let text = |document: &Value, field: &str| document[field].as_str().unwrap().to_owned();
    let created = documents(folder, "audit_events");
    let created = created.iter().filter(|event| event["action"] == "tenant.create");
    let tenants = documents(folder, "tenants");
    whole(
        tenants.iter().map(|tenant| (text(tenant, "slug"), text(tenant, "id"))),
        created.map(|event| text(event, "tenantId")),
    )
}

/// Several processes on one file create tenants until `enough` are acknowledged; then all are killed. Returns who was acknowledged.
fn create_until_killed(folder: &Path, next: &Arc<AtomicUsize>, end: usize, enough: usize) -> BTreeSet<usize> {
    let mut processes: Vec<Process> = Vec::new();
    let mut token = String::new();
    let (sender, acknowledged) = mpsc::channel();
    let mut writers = Vec::new();
    for _ in 0..PROCESSES {
        let (process, address, _, admin) = dev(folder);
        processes.push(process);
        if token.is_empty() {
            // Later processes on the same data accept the tokens of the first.
            token = admin;
        }
        for _ in 0..WRITERS {
            let (address, token, next, sender) = (address.clone(), token.clone(), Arc::clone(next), sender.clone());
            writers.push(thread::spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end {
                        return;
                    }
                    let Some(head) = create(&address, &token, number) else { return };
                    assert!(head.starts_with("HTTP/1.1 201"), "{number}: {head}");
                    sender.send(number).unwrap();
                }
            }));
        }
    }
    drop(sender);
    let mut numbers: BTreeSet<usize> = acknowledged.iter().take(enough).collect();
    for process in &mut processes {
        process.child.kill().unwrap();
        process.wait();
    }
    numbers.extend(acknowledged.iter());
    for writer in writers {
        writer.join().unwrap();
    }
    numbers
}

#[test]
fn what_was_acknowledged_survives_kill_9_and_what_is_sent_again_has_one_effect() {
    let writes = writes(400);
    let folder = tempfile::tempdir().unwrap();
    let next = Arc::new(AtomicUsize::new(0));
    let mut acknowledged = BTreeSet::new();
    for kill in 1..=KILLS {
        let end = writes * kill / KILLS;
        next.store(writes * (kill - 1) / KILLS, Ordering::Relaxed);
        acknowledged.extend(create_until_killed(folder.path(), &next, end, writes / KILLS * 2 / 3));
    }
    assert!(acknowledged.len() < writes, "the processes were killed when all was done");

    let (_process, address, _, admin) = dev(folder.path());
    assert_nothing_lost_or_doubled(&acknowledged, writes, (&address, &admin), || tenants(folder.path()));
    eprintln!("SQLite: {writes} writes, {KILLS} kills: {} acknowledged, none lost, none twice", acknowledged.len());
}
