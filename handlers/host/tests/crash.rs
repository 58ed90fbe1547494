//! `kill -9` loses nothing that was acknowledged, leaves nothing half done, and a request that is sent again across it has one
//! effect.
//!
//! `DEZKY_TEST_CRASH_WRITES` says how many changes are made (400).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::print_stderr, reason = "says what was measured")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read as _, Write as _},
    net::TcpStream,
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
use support::{Process, dev};

/// Processes on one file, and writers of each.
const PROCESSES: usize = 2;
const WRITERS: usize = 4;
/// How often all processes are killed.
const KILLS: usize = 2;

/// Creates the tenant of this number; the head of the answer, or none if the connection broke.
fn create(address: &str, token: &str, number: usize) -> Option<String> {
    let body = format!(r#"{{"slug":"tenant-{number}","name":"Tenant {number}"}}"#);
    let mut stream = TcpStream::connect(address).ok()?;
    write!(
        stream,
        "POST /tenants HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nidempotency-key: key-{number}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split_once("\r\n\r\n").map(|(head, _)| head.to_owned())
}

/// Documents of a collection, as they are in the file.
fn documents(folder: &Path, collection: &str) -> Vec<Value> {
    let file = folder.join(".dezky/dezky.sqlite");
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = connection.prepare(&format!("SELECT body FROM {collection}")).unwrap();
    let bodies = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    bodies.map(|body| serde_json::from_str(&body.unwrap()).unwrap()).collect()
}

/// Tenants by slug, each of which has exactly one event of its creation in the audit trail, and no event is without one.
fn tenants(folder: &Path) -> BTreeMap<String, String> {
    let text = |document: &Value, field: &str| document[field].as_str().unwrap().to_owned();
    let tenants: BTreeMap<_, _> =
        documents(folder, "tenants").iter().map(|tenant| (text(tenant, "slug"), text(tenant, "id"))).collect();
    let mut created: Vec<String> = documents(folder, "audit_events")
        .iter()
        .filter(|event| event["action"] == "tenant.create")
        .map(|event| text(event, "tenantId"))
        .collect();
    created.sort();
    let mut ids: Vec<String> = tenants.values().cloned().collect();
    ids.sort();
    assert_eq!(ids, created, "tenants, and the events of their creation");
    tenants
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
    let writes = std::env::var("DEZKY_TEST_CRASH_WRITES").map_or(400, |count| count.parse().unwrap());
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
    let after = tenants(folder.path());
    let missing: Vec<_> =
        acknowledged.iter().filter(|number| !after.contains_key(&format!("tenant-{number}"))).collect();
    assert!(missing.is_empty(), "acknowledged and lost: {missing:?}");

    for number in 0..writes {
        let head = create(&address, &admin, number).unwrap();
        assert!(head.starts_with("HTTP/1.1 201"), "{number} sent again: {head}");
        let replayed = head.contains("idempotency-replayed: true");
        assert_eq!(replayed, after.contains_key(&format!("tenant-{number}")), "{number} sent again: {head}");
    }
    let whole = tenants(folder.path());
    assert_eq!(whole.len(), writes + 1, "all, and the tenant of the platform");
    for (slug, id) in &after {
        assert_eq!(whole.get(slug), Some(id), "{slug} was made anew");
    }
    eprintln!("{writes} writes, {KILLS} kills: {} acknowledged, none lost, none twice", acknowledged.len());
}
