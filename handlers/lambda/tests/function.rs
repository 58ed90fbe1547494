//! Tests of the function as the platform runs it: a process that polls the Runtime API for invocations.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use bytes::Bytes;
use dezky::test_kit::DevelopmentIssuer;
use http::{Request, Response};
use serde_json::{Value, json};
use support::{emulator::Emulator, event::Front};

/// A running function, stopped when dropped.
struct Function(Child);

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns the binary, without settings of the test runner's environment.
fn binary(folder: &Path, emulator: &Emulator) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dezky-lambda"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("DEZKY_") || name == "MONGODB_URI" || name == "NODE_EXTRA_CA_CERTS" {
            command.env_remove(name);
        }
    }
    emulator.environment(&mut command);
    command.current_dir(folder).stdin(Stdio::null()).env("DEZKY_STORE", "sqlite:dezky.sqlite");
    command
}

fn start(folder: &Path, emulator: &Emulator, issuer: &DevelopmentIssuer, base_path: &str) -> Function {
    let mut command = binary(folder, emulator);
    command.env("DEZKY_OIDC_ISSUER", issuer.url()).env("DEZKY_OIDC_AUDIENCE", issuer.audience());
    Function(command.env("DEZKY_BASE_PATH", base_path).spawn().unwrap())
}

/// Starts it in its own database on the shared MongoDB-wire test server.
fn start_on_mongodb(folder: &Path, emulator: &Emulator, issuer: &DevelopmentIssuer) -> (Function, String) {
    let uri = dezky::test_kit::mongodb_server::shared_uri().unwrap();
    let mut command = binary(folder, emulator);
    command.env("DEZKY_OIDC_ISSUER", issuer.url()).env("DEZKY_OIDC_AUDIENCE", issuer.audience());
    (Function(command.env("DEZKY_STORE", &uri).spawn().unwrap()), uri)
}

/// Returns the number of a process's connections to this port, as the kernel lists them.
fn connections(process: u32, port: u16) -> usize {
    let sockets: std::collections::HashSet<String> = std::fs::read_dir(format!("/proc/{process}/fd"))
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok()?.to_str().map(str::to_owned))
        .collect();
    let remote = format!(":{port:04X}");
    let table = std::fs::read_to_string(format!("/proc/{process}/net/tcp")).unwrap();
    table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|columns| columns[2].ends_with(&remote) && sockets.contains(&format!("socket:[{}]", columns[9])))
        .count()
}

fn request(method: &str, path: &str, token: &str, body: &Value) -> Request<Bytes> {
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "api.example.eu")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(body)
        .unwrap()
}

async fn send(emulator: &Emulator, front: Front, request: &Request<Bytes>) -> Response<Bytes> {
    let said = emulator.invoke(Bytes::from(front.event(request, false).to_string())).await.unwrap();
    front.answer(&said)
}

fn body(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn invocations_share_store_and_keys_and_go_on_when_the_issuer_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = Emulator::start().await;
    let issuer = DevelopmentIssuer::start().await.unwrap();
    let _function = start(folder.path(), &emulator, &issuer, "");
    let token = issuer.mint(&issuer.claims("anna").person("anna@example.eu", "Anna"));
    let me = request("GET", "/users/me", &token, &Value::Null);
    let first = send(&emulator, Front::FunctionUrl, &me).await;
    assert_eq!(first.status(), 200, "{first:?}");
    assert_eq!(body(&first)["user"]["email"], "anna@example.eu");
    issuer.outage(true);
    for front in Front::ALL {
        let next = send(&emulator, front, &me).await;
        assert_eq!((next.status().as_u16(), body(&next)), (200, body(&first)), "{front:?}");
        assert_eq!(next.headers()["content-type"], "application/json", "{front:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stages_and_base_paths_are_taken_off() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = Emulator::start().await;
    let issuer = DevelopmentIssuer::start().await.unwrap();
    let _function = start(folder.path(), &emulator, &issuer, "/api");
    let token = issuer.mint(&issuer.claims("anna"));
    for (path, status) in [("/api/users/me", 200), ("/users/me", 200), ("/apiary/users/me", 404), ("/api", 404)] {
        for front in Front::ALL {
            let answer = send(&emulator, front, &request("GET", path, &token, &Value::Null)).await;
            assert_eq!(answer.status(), status, "{path} {front:?}: {answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_writes_into_the_host_header_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = Emulator::start().await;
    let issuer = DevelopmentIssuer::start().await.unwrap();
    let _function = start(folder.path(), &emulator, &issuer, "");
    let token = issuer.mint(&issuer.claims("anna"));
    // An invalid host is refused, as at every edge, and does not end the function.
    for (host, status) in [
        ("a b", 400),
        ("[::1", 200),
        ("user@example.eu:99999999", 400),
        ("example.eu/..", 400),
        ("x?y#z", 400),
        ("\u{e9}.example", 400),
        ("", 200),
    ] {
        for front in Front::ALL {
            let mut event = front.event(&request("GET", "/users/me", &token, &Value::Null), false);
            for headers in ["headers", "multiValueHeaders"] {
                if !event[headers].is_null() {
                    let many = headers == "multiValueHeaders";
                    for name in ["host", "x-forwarded-proto", "x-dezky-kept-host"] {
                        event[headers][name] = if many { json!([host]) } else { json!(host) };
                    }
                }
            }
            let said = emulator.invoke(Bytes::from(event.to_string())).await;
            let said = said.unwrap_or_else(|error| panic!("{host:?} {front:?}: {error:?}"));
            assert_eq!(front.answer(&said).status(), status, "{host:?} {front:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_setting_ends_the_function_with_one_line_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = Emulator::start().await;
    for (name, value, says) in [
        ("DEZKY_STORE", "postgres://localhost", "DEZKY_STORE"),
        ("DEZKY_OIDC_ISSUER", "", "no issuer is configured"),
        ("DEZKY_STOER", "sqlite:a.sqlite", "DEZKY_STOER"),
    ] {
        let mut command = binary(folder.path(), &emulator);
        command
            .env("DEZKY_OIDC_ISSUER", "https://auth.example.eu/")
            .env("DEZKY_OIDC_AUDIENCE", "dezky")
            .env(name, value);
        if value.is_empty() {
            command.env_remove("DEZKY_OIDC_AUDIENCE");
        }
        let output = command.output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}: {error}");
        assert!(error.contains(says) && error.trim_end().lines().count() == 1, "{name}: {error}");
    }
}

// Without a server this fails, with a message on how to start it.
#[tokio::test(flavor = "multi_thread")]
async fn invocations_share_the_connections_to_mongodb() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = Emulator::start().await;
    let issuer = DevelopmentIssuer::start().await.unwrap();
    let (function, uri) = start_on_mongodb(folder.path(), &emulator, &issuer);
    let port = uri.trim_start_matches("mongodb://").split(['/', '?']).next().unwrap().rsplit(':').next().unwrap();
    let port: u16 = port.parse().unwrap();
    let token = issuer.mint(&issuer.claims("anna").person("anna@example.eu", "Anna"));
    let me = request("GET", "/users/me", &token, &Value::Null);
    let first = send(&emulator, Front::Http, &me).await;
    assert_eq!((first.status().as_u16(), body(&first)["user"]["email"].as_str()), (200, Some("anna@example.eu")));
    // The pool and the monitor connect during the first invocations.
    for _ in 0..20 {
        assert_eq!(send(&emulator, Front::Http, &me).await.status(), 200);
    }
    let before = connections(function.0.id(), port);
    assert!(before > 0, "the function is connected to {uri}");
    for _ in 0..100 {
        assert_eq!(send(&emulator, Front::Http, &me).await.status(), 200);
    }
    let after = connections(function.0.id(), port);
    assert!(after <= before, "{before} connections before, {after} after 100 invocations more");
}
