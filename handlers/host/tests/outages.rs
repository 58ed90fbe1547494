//! Tests that the store may fail or stall under load and recover without a restart: every answer is a success, or tells
//! when to retry.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use dezky::test_kit::mongodb_server::MongodbServer;
use rusqlite::Connection;
use support::{
    await_ready, request,
    served::{STORE, assert_for_now, create, read, serve, status},
};

#[test]
fn a_locked_file_refuses_writes_for_now_and_reads_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path(), "sqlite:served.sqlite", &[]);
    let (address, admin) = (server.address.as_str(), server.admin.as_str());
    let other = Connection::open(folder.path().join("served.sqlite")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    thread::scope(|scope| {
        let writers: Vec<_> =
            (0..4).map(|writer| scope.spawn(move || create(address, admin, &format!("locked-{writer}")))).collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            assert_eq!(status(&read(address, admin)), 200);
        }
        for writer in writers {
            assert_for_now(&writer.join().unwrap(), STORE);
        }
    });
    let report = await_ready(address, false);
    assert!(report["notReady"].to_string().contains("the store did not answer in time"), "{report:#}");
    other.execute_batch("ROLLBACK").unwrap();
    await_ready(address, true);
    for writer in 0..4 {
        assert_eq!(status(&create(address, admin, &format!("locked-{writer}"))), 201);
    }
}

#[test]
fn more_requests_than_are_answered_at_once_are_shed_at_once_and_served_later() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path(), "sqlite:served.sqlite", &[("DEZKY_REQUESTS_IN_FLIGHT", "3")]);
    let (address, admin) = (server.address.as_str(), server.admin.as_str());
    let other = Connection::open(folder.path().join("served.sqlite")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    thread::scope(|scope| {
        // A write during a read may be shed itself; then it is retried.
        let stall = |writer: usize| loop {
            let answer = create(address, admin, &format!("stalled-{writer}"));
            if !answer.1.contains(r#""code":"overloaded""#) {
                break answer;
            }
        };
        let stalled: Vec<_> = (0..3).map(|writer| scope.spawn(move || stall(writer))).collect();
        let mut shed = 0;
        while stalled.iter().any(|writer| !writer.is_finished()) {
            let answer = read(address, admin);
            if status(&answer) == 503 {
                assert_for_now(&answer, &["overloaded"]);
                shed += 1;
                assert_eq!(request(address, "GET", "/healthz", None).0, 200);
                let metrics = request(address, "GET", "/metrics", None).1;
                assert!(metrics.contains(r#"dezky_http_refused_total{limit="in_flight"}"#), "{metrics}");
            } else {
                assert_eq!(status(&answer), 200, "{answer:?}");
            }
        }
        assert!(shed > 0, "nothing was shed");
        for writer in stalled {
            assert_for_now(&writer.join().unwrap(), STORE);
        }
    });
    other.execute_batch("ROLLBACK").unwrap();
    for writer in 0..3 {
        assert_eq!(status(&create(address, admin, &format!("stalled-{writer}"))), 201);
    }
}

// On one thread, since the kernel ends the server with it.
#[test]
fn a_database_that_is_killed_and_comes_back_under_load_is_used_again_without_a_restart() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut database = runtime.block_on(MongodbServer::start()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path(), &database.uri_for("outage"), &[]);
    let (address, admin) = (server.address.as_str(), server.admin.as_str());
    let stop = Arc::new(AtomicBool::new(false));
    let (done, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let reached = |count: &AtomicUsize, more: usize| {
        let (from, end) = (count.load(Ordering::SeqCst), Instant::now() + Duration::from_secs(60));
        while count.load(Ordering::SeqCst) < from + more {
            assert!(Instant::now() < end, "no progress");
            thread::sleep(Duration::from_millis(10));
        }
    };
    let acknowledged: Vec<String> = thread::scope(|scope| {
        let clients: Vec<_> = (0..6)
            .map(|client| {
                let (stop, done, refused) = (Arc::clone(&stop), &done, &refused);
                scope.spawn(move || {
                    let mut acknowledged = Vec::new();
                    let mut number = 0;
                    while !stop.load(Ordering::SeqCst) {
                        let slug = format!("tenant-{client}-{number}");
                        let answer = if client < 4 { create(address, admin, &slug) } else { read(address, admin) };
                        match status(&answer) {
                            200 | 201 => {
                                number += 1;
                                done.fetch_add(1, Ordering::SeqCst);
                                if client < 4 {
                                    acknowledged.push(slug);
                                }
                            }
                            _ => {
                                assert_for_now(&answer, STORE);
                                refused.fetch_add(1, Ordering::SeqCst);
                            }
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        reached(&done, 20);
        database.kill().unwrap();
        reached(&refused, 12);
        let report = await_ready(address, false);
        assert!(report["notReady"].to_string().contains("\"store\""), "{report:#}");
        runtime.block_on(database.restart()).unwrap();
        await_ready(address, true);
        reached(&done, 20);
        stop.store(true, Ordering::SeqCst);
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    for slug in &acknowledged {
        assert_eq!(request(address, "GET", &format!("/tenants/{slug}"), Some(admin)).0, 200, "{slug} was acknowledged");
    }
}

/// A database server that this process has started, suspended.
struct Stalled {
    id: String,
}

impl Stalled {
    /// Suspends the server: its sockets stay open, and nothing is answered.
    fn stop(database: &MongodbServer) -> Self {
        let port = format!("--port {}", database.address().port());
        let parent = std::process::id().to_string();
        let found = Command::new("pgrep").args(["--parent", &parent, "--full", "--", &port]).output().unwrap();
        let id = String::from_utf8(found.stdout).unwrap().trim().to_owned();
        assert!(!id.is_empty() && !id.contains('\n'), "one server with {port}: {id:?}");
        let stalled = Self { id };
        stalled.signal("-STOP");
        stalled
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.id]).status().unwrap().success());
    }
}

impl Drop for Stalled {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}

/// Asserts that every request during a stall is answered with a retry time, within the limit that `served` enforces,
/// and that everything works afterwards.
fn stalled_and_well_again(options: &str, clients: usize, writes: impl Fn(usize) -> bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = runtime.block_on(MongodbServer::start()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path(), &format!("{}{options}", database.uri_for("stall")), &[]);
    let (address, admin) = (server.address.as_str(), server.admin.as_str());
    assert_eq!(status(&create(address, admin, "before")), 201);
    let stalled = Stalled::stop(&database);
    thread::scope(|scope| {
        let asking: Vec<_> = (0..clients)
            .map(|client| {
                let writes = writes(client);
                scope.spawn(move || match writes {
                    true => create(address, admin, &format!("stalled-{client}")),
                    false => read(address, admin),
                })
            })
            .collect();
        await_ready(address, false);
        assert_eq!(request(address, "GET", "/healthz", None).0, 200);
        for client in asking {
            assert_for_now(&client.join().unwrap(), STORE);
        }
    });
    drop(stalled);
    await_ready(address, true);
    assert_eq!(status(&read(address, admin)), 200);
    for client in (0..clients).filter(|client| writes(*client)) {
        assert_eq!(status(&create(address, admin, &format!("stalled-{client}"))), 201, "sent again, it has one effect");
    }
}

#[test]
fn a_database_that_stands_still_under_load_is_answered_for_and_used_again() {
    stalled_and_well_again("", 12, |client| client % 2 == 0);
}

#[test]
fn who_waits_for_one_of_few_connections_to_the_database_waits_no_longer_than_the_limit() {
    stalled_and_well_again("?maxPoolSize=4", 16, |client| client % 4 == 0);
}
