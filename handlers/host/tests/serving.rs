//! Tests of the serving binary: development server, readiness, metrics and graceful shutdown.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
};

use dezky::test_kit::{Behaviour, DevelopmentIssuer};
use support::{Process, await_ready, dev, dezky, finished_after_sigterm, hang_up, json, request};

#[test]
fn dev_prints_a_token_that_shows_tenants_until_the_membership_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let (_process, address, person, admin) = dev(folder.path());
    let answer = request(&address, "GET", "/users/me", Some(&person));
    assert_eq!(answer.0, 200, "{}", answer.1);
    let profile = json(&answer);
    assert_eq!(profile["user"]["email"], "anna@example.eu");
    assert_eq!(profile["tenants"][0]["slug"], "dezky");
    assert_eq!(profile["subscriptions"][0]["status"], "active");
    // The administrator gets the right by signing in.
    assert_eq!(request(&address, "GET", "/users/me", Some(&admin)).0, 200);
    let member = format!("/tenants/dezky/members/{}", profile["user"]["id"].as_str().unwrap());
    let revoked = request(&address, "DELETE", &member, Some(&admin));
    assert_eq!(revoked.0, 204, "{}", revoked.1);
    let after = json(&request(&address, "GET", "/users/me", Some(&person)));
    assert_eq!(after["tenants"].as_array().unwrap().len(), 0, "{after:#}");
    assert_eq!(after["subscriptions"].as_array().unwrap().len(), 0, "{after:#}");
}

#[test]
fn tokens_of_the_development_server_survive_its_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (mut process, _, person, _) = dev(folder.path());
    process.terminate();
    assert_eq!(process.wait().code(), Some(0));
    let (_process, address, _, _) = dev(folder.path());
    assert_eq!(request(&address, "GET", "/users/me", Some(&person)).0, 200);
}

#[test]
fn a_request_under_way_is_finished_after_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let (mut process, address, _, admin) = dev(folder.path());
    finished_after_sigterm(&mut process, &address, &admin);
}

#[test]
fn sighup_does_not_end_a_server_without_a_component() {
    let folder = tempfile::tempdir().unwrap();
    let (mut process, address, person, _) = dev(folder.path());
    hang_up(&process);
    assert_eq!(request(&address, "GET", "/users/me", Some(&person)).0, 200);
    process.terminate();
    assert_eq!(process.wait().code(), Some(0));
}

#[test]
fn health_and_metrics_tell_of_requests_by_route() {
    let folder = tempfile::tempdir().unwrap();
    let (_process, address, person, _) = dev(folder.path());
    assert_eq!(json(&request(&address, "GET", "/healthz", None))["status"], "alive");
    await_ready(&address, true);
    let answer = request(&address, "GET", "/tenants/dezky?secret=1", Some(&person));
    assert_ne!(answer.0, 500);
    assert_eq!(request(&address, "GET", "/no-such-path", None).0, 404);
    let (status, text) = request(&address, "GET", "/metrics", None);
    assert_eq!(status, 200);
    assert!(text.contains(r#"route="/tenants/{tenant}""#), "{text}");
    assert!(text.contains(r#"dezky_issuer_keys{issuer="default"} 1"#), "{text}");
    assert!(text.contains("dezky_ready 1"), "{text}");
    assert!(!text.contains("no-such-path") && !text.contains("secret"), "{text}");
}

fn serve(folder: &std::path::Path, store: &str, issuer: &str) -> (Process, String) {
    let mut command: Command = dezky(folder);
    command.args(["serve", "--listen", "127.0.0.1:0", "--store", store]);
    command.args(["--oidc-issuer", issuer, "--oidc-audience", "dezky"]);
    let process = Process::start(command);
    let line = process.line("listening address=");
    let address = line.split("address=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    (process, address)
}

#[test]
fn an_unreachable_issuer_leaves_the_process_running_and_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing listens on a port that was just released.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let issuer = format!("http://127.0.0.1:{port}/application/o/dezky/");
    let (_process, address) = serve(folder.path(), "sqlite:dezky.sqlite", &issuer);
    let report = await_ready(&address, false);
    assert!(report["notReady"].to_string().contains("issuer default"), "{report:#}");
    let mut command = dezky(folder.path());
    command.args(["dev", "--listen", "127.0.0.1:0", "--data", "issuer", "--issuer-port", &port.to_string()]);
    let _issuer = Process::start(command);
    await_ready(&address, true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_own_issuer_that_is_down_or_has_no_keys_is_degraded_and_keeps_nobody_else_out() {
    let folder = tempfile::tempdir().unwrap();
    let platform = DevelopmentIssuer::start().await.unwrap();
    let (empty, weak, away) = (
        DevelopmentIssuer::start().await.unwrap(),
        DevelopmentIssuer::start().await.unwrap(),
        DevelopmentIssuer::start().await.unwrap(),
    );
    empty.behave(Behaviour::NoKeys);
    weak.behave(Behaviour::GarbageKeys);
    away.outage(true);
    let issuers = [("empty", &empty), ("weak", &weak), ("away", &away)].map(|(tenant, issuer)| {
        let url = issuer.url();
        format!("[[issuers]]\nid = '{tenant}'\nurls = ['{url}']\naudiences = ['dezky']\ntenant = '{tenant}'\n")
    });
    std::fs::write(folder.path().join("dezky.toml"), issuers.concat()).unwrap();
    let (_process, address) = serve(folder.path(), "sqlite:dezky.sqlite", platform.url());
    let report = await_ready(&address, true);
    assert_eq!(report["notReady"], serde_json::json!([]), "{report:#}");
    let degraded = report["degraded"].as_array().unwrap();
    let named: Vec<&str> = degraded.iter().map(|obstacle| obstacle["what"].as_str().unwrap()).collect();
    assert_eq!(named, ["issuer empty", "issuer weak", "issuer away"], "{report:#}");
    let person = platform.mint(&platform.claims("anna"));
    assert_eq!(request(&address, "GET", "/users/me", Some(&person)).0, 200);
    let (status, answer) = request(&address, "GET", "/users/me", Some(&weak.mint(&weak.claims("anna"))));
    assert_eq!(status, 503);
    assert!(answer.contains("issuer_unavailable") && !answer.contains("does not answer"), "{answer}");
    assert!(request(&address, "GET", "/metrics", None).1.contains("dezky_ready 1"));
}

#[test]
fn a_store_that_cannot_be_opened_leaves_the_process_running_and_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("loop.sqlite");
    std::os::unix::fs::symlink("loop.sqlite", &file).unwrap();
    let (_process, address) = serve(folder.path(), "sqlite:loop.sqlite", "http://127.0.0.1:9/");
    let report = await_ready(&address, false);
    assert!(report["notReady"].to_string().contains("\"store\""), "{report:#}");
    assert_eq!(request(&address, "GET", "/healthz", None).0, 200);
}

#[test]
fn what_the_host_answers_itself_carries_the_request_id_too() {
    let folder = tempfile::tempdir().unwrap();
    let (_process, address, _, _) = dev(folder.path());
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nx-request-id: probe-7\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let head = answer.split("\r\n\r\n").next().unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        assert!(head.contains("\r\nx-client-request-id: probe-7"), "{path}: {head}");
        let own = head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap();
        assert!(own.len() == 24 && own.bytes().all(|byte| byte.is_ascii_hexdigit()), "{path}: {head}");
    }
}

#[test]
fn after_sigterm_it_is_not_ready_and_answers_until_balancers_have_learned_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut command: Command = dezky(folder.path());
    command.args(["serve", "--listen", "127.0.0.1:0", "--store", "sqlite:dezky.sqlite"]);
    // Nobody can sign in, and these requests do not need it.
    command.args(["--oidc-issuer", "http://127.0.0.1:9/", "--oidc-audience", "dezky"]);
    command.env("DEZKY_DRAIN_SECONDS", "300");
    let mut process = Process::start(command);
    let line = process.line("listening address=");
    let address = line.split("address=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    process.terminate();
    process.line("draining");
    let report = await_ready(&address, false);
    assert!(report["notReady"].to_string().contains("it is stopping"), "{report:#}");
    assert_eq!(request(&address, "GET", "/users/me", None).0, 401, "new connections are answered");
    process.terminate();
    process.line("stopping");
    assert_eq!(process.wait().code(), Some(0));
    assert!(TcpStream::connect(&address).is_err(), "no new connections");
}
