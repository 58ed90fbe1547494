//! Tests of the access to metrics and readiness details.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
};

use support::{Process, dezky, json, request};

fn command(folder: &Path, settings: &[(&str, &str)]) -> std::process::Command {
    let mut command = dezky(folder);
    command.args(["serve", "--listen", "127.0.0.1:0", "--store", "sqlite:dezky.sqlite"]);
    // No issuer answers there, so that there is a problem to report.
    command.args(["--oidc-issuer", "http://127.0.0.1:9/", "--oidc-audience", "dezky"]).envs(settings.iter().copied());
    command
}

/// Sends a request with these header lines, and returns status and body.
fn ask(address: &str, path: &str, lines: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\n{lines}connection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Asserts that an answer names the failed checks, and nothing else.
fn is_short(answer: &(u16, String)) {
    let report = json(answer);
    assert_eq!((answer.0, &report["ready"]), (503, &false.into()), "{report:#}");
    let checks = report["notReady"].as_array().unwrap();
    assert!(checks.iter().any(|check| *check == serde_json::json!({ "what": "issuer default" })), "{report:#}");
    assert!(checks.iter().all(|check| check.get("why").is_none()), "{report:#}");
    assert_eq!(report.as_object().unwrap().len(), 2, "{report:#}");
}

fn is_detailed(answer: &(u16, String)) {
    let report = json(answer);
    assert!(report["notReady"].as_array().unwrap().iter().all(|check| check["why"].is_string()), "{report:#}");
    assert_eq!(report["issuers"][0]["issuerId"], "default", "{report:#}");
    assert_eq!(report["failingTasks"], serde_json::json!([]), "{report:#}");
}

#[test]
fn an_address_for_operation_alone_tells_metrics_and_details() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(command(folder.path(), &[("DEZKY_OPERATIONS_LISTEN", "127.0.0.1:0")]));
    let operations = support::address(&process.line("metrics and details of readiness are told address="));
    let public = support::address(&process.line("listening address="));

    is_short(&request(&public, "GET", "/readyz", None));
    let absent = request(&public, "GET", "/metrics", None);
    assert_eq!((absent.0, &json(&absent)["code"]), (404, &"route_not_found".into()));
    assert_eq!(request(&public, "GET", "/healthz", None).0, 200);
    assert_eq!(request(&public, "GET", "/users/me", None).0, 401);

    is_detailed(&request(&operations, "GET", "/readyz", None));
    // Anybody who can connect to it may see them, under any host name and through any proxy.
    is_detailed(&ask(&operations, "/readyz", "host: dezky.internal\r\nx-forwarded-for: 192.0.2.1\r\n"));
    let metrics = request(&operations, "GET", "/metrics", None);
    assert_eq!(metrics.0, 200);
    assert!(metrics.1.contains("route=\"/users/me\""), "of both addresses: {}", metrics.1);
    for task in ["copies", "erasure", "cancellation", "expiry", "trimming", "first-tenant"] {
        assert!(metrics.1.contains(&format!("dezky_task_failing{{task=\"{task}\"}} 0")), "{task}: {}", metrics.1);
    }
    assert!(metrics.1.contains("dezky_events_waiting{task=\"copies\"} "), "{}", metrics.1);
    for path in ["/users/me", "/tenants", "/openapi.json", "/oidc/backchannel-logout", "/"] {
        assert_eq!(request(&operations, "GET", path, None).0, 404, "{path}");
    }
    process.terminate();
    assert_eq!(process.wait().code(), Some(0));
    assert!(TcpStream::connect(&operations).is_err(), "it ends with the other one");
}

#[test]
fn without_one_they_are_told_to_this_machine_and_to_nobody_behind_a_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(command(folder.path(), &[("DEZKY_TRUSTED_PROXIES", "127.0.0.9")]));
    let public = support::address(&process.line("listening address="));
    is_detailed(&request(&public, "GET", "/readyz", None));
    assert_eq!(request(&public, "GET", "/metrics", None).0, 200);
    for lines in [
        format!("host: {public}\r\nx-forwarded-for: 127.0.0.1\r\n"),
        format!("host: {public}\r\nforwarded: for=127.0.0.1\r\n"),
        format!("host: {public}\r\nvia: 1.1 proxy\r\n"),
        "host: dezky.example\r\n".to_owned(),
    ] {
        is_short(&ask(&public, "/readyz", &lines));
        let hidden = ask(&public, "/metrics", &lines);
        let none = ask(&public, "/no-such-route", &lines);
        let code = |answer: &(u16, String)| (answer.0, json(answer)["code"].clone());
        assert_eq!(code(&hidden), code(&none), "{lines}");
    }
    let mut stream = support::connect_from([127, 0, 0, 9], &public);
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: {public}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404 "), "a proxy on this machine: {answer}");
}

#[test]
fn an_address_that_cannot_be_used_stops_the_start_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    for wrong in [taken.as_str(), "9090", "somewhere:else"] {
        let output = command(folder.path(), &[("DEZKY_OPERATIONS_LISTEN", wrong)]).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains("DEZKY_OPERATIONS_LISTEN") && error.contains(wrong), "{error}");
    }
}
