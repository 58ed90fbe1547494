//! Kills the processes on one file.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::{
    support::{Process, dev, json, request},
    writing::{assert_nothing_lost_or_doubled, create, send, whole, writes},
};

/// Number of processes on one file, and of writers of each.
const PROCESSES: usize = 2;
const WRITERS: usize = 4;
/// Number of times that all processes are killed in turn.
const KILLS: usize = 2;

/// Returns the documents of a collection from the file.
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

/// The acknowledged changes.
#[derive(Default)]
struct Acknowledged {
    created: BTreeSet<usize>,
    renamed: BTreeSet<usize>,
    /// Tenants that the person was removed from again.
    revoked: BTreeSet<usize>,
}

/// An acknowledged change of the tenant with this number, by one of the processes.
#[derive(Clone, Copy)]
enum Change {
    Created,
    Renamed,
    Revoked,
}

type Told = (usize, Change, usize);

impl Acknowledged {
    fn add(&mut self, (_, change, number): Told) {
        match change {
            Change::Created => self.created.insert(number),
            Change::Renamed => self.renamed.insert(number),
            Change::Revoked => self.revoked.insert(number),
        };
    }
}

/// Creates tenants, renames each, and adds a person to every third one and removes them again.
///
/// Ends when all is done or the process is gone.
fn write(
    at: (&str, &str),
    person: &str,
    next: &AtomicUsize,
    end: usize,
    mut tell: impl FnMut(Change, usize),
) -> Option<()> {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= end {
            return Some(());
        }
        let done = |head: String, status: &str| assert!(head.starts_with(status), "{number}: {head}");
        done(create(at.0, at.1, number)?, "HTTP/1.1 201");
        tell(Change::Created, number);
        let tenant = format!("/tenants/tenant-{number}");
        done(send(at, &format!("PATCH {tenant}"), "", &format!(r#"{{"name":"Renamed {number}"}}"#))?, "HTTP/1.1 200");
        tell(Change::Renamed, number);
        if number.is_multiple_of(3) {
            let body = format!(r#"{{"userId":"{person}","role":"member"}}"#);
            done(send(at, &format!("POST {tenant}/members"), "", &body)?, "HTTP/1.1 201");
            done(send(at, &format!("DELETE {tenant}/members/{person}"), "", "")?, "HTTP/1.1 204");
            tell(Change::Revoked, number);
        }
    }
}

/// Has several processes on one file write until `enough` changes are acknowledged, then kills the first.
///
/// The others are killed once they have had as many more changes acknowledged as each has writers.
fn write_until_killed(folder: &Path, next: &Arc<AtomicUsize>, end: usize, enough: usize, all: &mut Acknowledged) {
    let mut processes: Vec<Process> = Vec::new();
    let (mut token, mut person) = (String::new(), String::new());
    let (sender, acknowledged) = mpsc::channel::<Told>();
    let mut writers = Vec::new();
    for process_number in 0..PROCESSES {
        let (process, address, anna, admin) = dev(folder);
        processes.push(process);
        if token.is_empty() {
            person =
                json(&request(&address, "GET", "/users/me", Some(&anna)))["user"]["id"].as_str().unwrap().to_owned();
            // Later processes on the same data accept the tokens of the first.
            token = admin;
        }
        for _ in 0..WRITERS {
            let (address, token, person) = (address.clone(), token.clone(), person.clone());
            let (next, sender) = (Arc::clone(next), sender.clone());
            writers.push(thread::spawn(move || {
                let tell = |change, number| sender.send((process_number, change, number)).unwrap();
                // A writer ends when its process is gone.
                let _gone = write((&address, &token), &person, &next, end, tell);
            }));
        }
    }
    drop(sender);
    acknowledged.iter().take(enough).for_each(|told| all.add(told));
    processes[0].child.kill().unwrap();
    processes[0].wait();
    let mut by_others = 0;
    while by_others < WRITERS {
        let told = acknowledged.recv_timeout(Duration::from_secs(60)).expect("the other process goes on");
        by_others += usize::from(told.0 != 0);
        all.add(told);
    }
    for process in &mut processes[1..] {
        process.child.kill().unwrap();
        process.wait();
    }
    acknowledged.iter().for_each(|told| all.add(told));
    for writer in writers {
        writer.join().unwrap();
    }
}

/// Asserts that each document has as many events as its version, that nothing is missing, and that the file is intact.
fn assert_whole(folder: &Path, acknowledged: &Acknowledged) {
    let events = documents(folder, "audit_events");
    let count = |of: &str, tenant: &Value, user: &Value| {
        let about = |event: &&Value| {
            event["action"].as_str().unwrap().starts_with(of)
                && event["tenantId"] == *tenant
                && (user.is_null() || event["userId"] == *user)
        };
        u64::try_from(events.iter().filter(about).count()).unwrap()
    };
    let tenants = documents(folder, "tenants");
    let numbered = |number: &usize| tenants.iter().find(|tenant| tenant["slug"] == format!("tenant-{number}")).unwrap();
    for tenant in tenants.iter().filter(|tenant| tenant["slug"] != "dezky") {
        assert_eq!(tenant["version"], count("tenant.", &tenant["id"], &Value::Null), "{tenant:#}");
    }
    for number in &acknowledged.renamed {
        assert_eq!(numbered(number)["name"], format!("Renamed {number}"));
    }
    let memberships = documents(folder, "memberships");
    for number in &acknowledged.revoked {
        let id = &numbered(number)["id"];
        let membership = memberships.iter().find(|membership| membership["tenantId"] == *id).unwrap();
        assert_eq!(membership["active"], false, "{membership:#}");
        assert_eq!(membership["version"], count("membership.", id, &membership["userId"]), "{membership:#}");
    }
    let file = folder.join(".dezky/dezky.sqlite");
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

#[test]
fn what_was_acknowledged_survives_kill_9_and_what_is_sent_again_has_one_effect() {
    let writes = writes(400);
    let folder = tempfile::tempdir().unwrap();
    let next = Arc::new(AtomicUsize::new(0));
    let mut acknowledged = Acknowledged::default();
    for kill in 1..=KILLS {
        let end = writes * kill / KILLS;
        next.store(writes * (kill - 1) / KILLS, Ordering::Relaxed);
        write_until_killed(folder.path(), &next, end, writes / KILLS, &mut acknowledged);
    }
    let (created, renamed) = (&acknowledged.created, &acknowledged.renamed);
    assert!(created.len() < writes, "the processes were killed when all was done");
    assert!(!renamed.is_empty() && !acknowledged.revoked.is_empty());

    let (_process, address, _, admin) = dev(folder.path());
    assert_whole(folder.path(), &acknowledged);
    assert_nothing_lost_or_doubled(created, writes, (&address, &admin), || tenants(folder.path()));
    assert_whole(folder.path(), &acknowledged);
    eprintln!(
        "SQLite: {KILLS} kills, until then acknowledged: {} created, {} renamed, {} taken out of; sent again up to {writes} tenants: none lost, none twice",
        created.len(),
        renamed.len(),
        acknowledged.revoked.len()
    );
}
