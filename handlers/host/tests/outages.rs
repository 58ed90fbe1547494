//! The store goes away or stalls under load, and comes back: every answer is a success or says when to try again, and all is
//! well afterwards without a restart.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use dezky::test_kit::mongodb_server::MongodbServer;
use rusqlite::Connection;
use support::{Process, await_ready, dev, dezky, request};

/// The longest that an answer may take: the API's own limit, and a little for slow machines.
const LIMIT: Duration = Duration::from_secs(45);

struct Server {
    _issuer: Process,
    _process: Process,
    address: String,
    admin: String,
}

fn serve(folder: &Path, store: &str, settings: &[(&str, &str)]) -> Server {
    let (issuer, _, _, admin) = dev(folder);
    let url = std::fs::read_to_string(folder.join(".dezky/issuer-url")).unwrap();
    let mut command = dezky(folder);
    command.args(["serve", "--listen", "127.0.0.1:0", "--store", store, "--oidc-issuer", url.trim()]);
    command.args(["--oidc-audience", "dezky", "--platform-admin-group", "dezky-platform-admins"]);
    command.args(["--caller-rate", "off", "--address-rate", "off"]).envs(settings.iter().copied());
    let process = Process::start(command);
    let line = process.line("listening address=");
    let address = line.split("address=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    await_ready(&address, true);
    assert_eq!(request(&address, "GET", "/users/me", Some(&admin)).0, 200);
    Server { _issuer: issuer, _process: process, address, admin }
}

/// Head and body of the answer to the creation of a tenant.
fn create(address: &str, token: &str, slug: &str) -> (String, String) {
    let body = format!(r#"{{"slug":"{slug}","name":"{slug}"}}"#);
    exchange(
        address,
        &format!(
            "POST /tenants HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nidempotency-key: {slug}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ),
    )
}

fn read(address: &str, token: &str) -> (String, String) {
    let line = format!("authorization: Bearer {token}\r\nconnection: close");
    exchange(address, &format!("GET /tenants/dezky HTTP/1.1\r\nhost: {address}\r\n{line}\r\n\r\n"))
}

fn exchange(address: &str, text: &str) -> (String, String) {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(begun.elapsed() < LIMIT, "a request hung");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn status(answer: &(String, String)) -> u16 {
    answer.0.split(' ').nth(1).unwrap().parse().unwrap()
}

/// The answer says that it is for now only, and when to come again.
fn assert_for_now(answer: &(String, String), codes: &[&str]) {
    assert_eq!(status(answer), 503, "{answer:?}");
    assert!(answer.0.contains("\r\nretry-after: ") && answer.0.contains("application/problem+json"), "{}", answer.0);
    let problem: serde_json::Value = serde_json::from_str(&answer.1).unwrap();
    assert!(codes.contains(&problem["code"].as_str().unwrap()), "{problem:#}");
}

const STORE: &[&str] = &["store_unavailable", "store_timeout"];

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
        let stalled: Vec<_> =
            (0..3).map(|writer| scope.spawn(move || create(address, admin, &format!("stalled-{writer}")))).collect();
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

// On one thread, with whose end the kernel would end the server.
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
