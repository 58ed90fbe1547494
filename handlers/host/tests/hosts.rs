//! Tests that requests with no host, two, or different ones are refused, and that all answers have the common headers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use support::{
    http2::{self, Http2, head_with},
    served::serve,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// Sends a text and returns the answer.
fn answer(address: &str, text: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap()
}

#[test]
fn a_request_names_one_host() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path(), "sqlite:served.sqlite", &[]);
    let ask = |line: &str, hosts: &str| answer(&server.address, &format!("{line}\r\n{hosts}connection: close\r\n\r\n"));
    for (line, hosts) in [
        ("GET /healthz HTTP/1.1", ""),
        ("GET /openapi.json HTTP/1.1", ""),
        ("GET http://a.example/healthz HTTP/1.1", ""),
        ("GET /healthz HTTP/1.1", "host: a.example\r\nhost: a.example\r\n"),
        ("GET /openapi.json HTTP/1.1", "host: a.example\r\nHost: b.example\r\n"),
        ("GET /healthz HTTP/1.0", "host: a.example\r\nhost: b.example\r\n"),
        ("GET /healthz HTTP/1.1", "host: a.example, b.example\r\n"),
        ("GET /healthz HTTP/1.1", "host: a.example/b\r\n"),
        ("GET http://a.example/healthz HTTP/1.1", "host: b.example\r\n"),
        ("GET http://anna@a.example/healthz HTTP/1.1", "host: a.example\r\n"),
    ] {
        let answer = ask(line, hosts);
        assert!(status(&answer) == "400" && answer.contains(r#""code":"invalid_host""#), "{line} {hosts}: {answer}");
    }
    for (line, hosts) in [
        ("GET /healthz HTTP/1.1", "host: a.example:8080\r\n"),
        ("GET /healthz HTTP/1.1", "host: [2001:db8::1]\r\n"),
        ("GET /healthz HTTP/1.1", "host:\r\n"),
        ("GET /healthz HTTP/1.0", ""),
        ("GET http://a.example/healthz HTTP/1.1", "host: A.example\r\n"),
    ] {
        assert_eq!(status(&ask(line, hosts)), "200", "{line} {hosts}");
    }
}

#[test]
fn an_http2_request_names_one_host() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path(), "sqlite:served.sqlite", &[]);
    for (authority, hosts, refused) in [
        (Some("a.example"), &[][..], false),
        (Some("a.example"), &["A.example"][..], false),
        (None, &["a.example"][..], false),
        (Some("a.example"), &["b.example"][..], true),
        (Some("a.example"), &["a.example", "a.example"][..], true),
        (Some("anna@a.example"), &[][..], true),
        (None, &["a.example", "b.example"][..], true),
        (None, &[][..], true),
    ] {
        let mut connection = Http2::connect(&server.address, 65_535, PATIENCE);
        let fields: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
        let block = head_with(authority, "GET", "/healthz", &fields);
        connection.write(http2::HEADERS, http2::END_STREAM | http2::END_HEADERS, 1, &block).unwrap();
        let mut body = Vec::new();
        let mut reset = false;
        loop {
            let frame = connection.read().expect("the connection stays open");
            reset |= frame.kind == http2::RST_STREAM;
            if frame.kind == http2::DATA {
                body.extend_from_slice(&frame.payload);
            }
            if reset || frame.stream == 1 && frame.flags & http2::END_STREAM != 0 {
                break;
            }
        }
        let body = String::from_utf8(body).unwrap();
        // An invalid authority is refused before it becomes a request.
        assert_eq!(reset || body.contains("invalid_host"), refused, "{authority:?} {hosts:?}: {body}");
    }
}

#[test]
fn every_answer_says_how_it_may_be_read_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("DEZKY_ADDRESS_RATE", "1"), ("DEZKY_ADDRESS_BURST", "12"), ("DEZKY_TRUSTED_PROXIES", "127.0.0.1")];
    let server = serve(folder.path(), "sqlite:served.sqlite", &settings);
    let mut statuses = Vec::new();
    let mut check = |line: &str, fields: &str| {
        let answer =
            answer(&server.address, &format!("{line} HTTP/1.1\r\nhost: x\r\n{fields}connection: close\r\n\r\n"));
        let head = answer.split("\r\n\r\n").next().unwrap();
        assert!(head.contains("\r\nx-content-type-options: nosniff"), "{line}: {head}");
        assert_eq!(head.matches("\r\ncache-control: ").count(), 1, "{line}: {head}");
        statuses.push(status(&answer).to_owned());
        answer
    };
    let admin = format!("authorization: Bearer {}\r\n", server.admin);
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json", "/nothing", "/users/me", "/launcher"] {
        check(&format!("GET {path}"), "");
    }
    check("POST /healthz", "");
    check("HEAD /openapi.json", "");
    check("POST /tenants", &format!("{admin}content-length: 2000000\r\n"));
    let answer = check("GET /tenants/dezky", &admin);
    let tag = answer.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    check("GET /tenants/dezky", &format!("{admin}if-none-match: {tag}\r\n"));
    for _ in 0..20 {
        check("GET /nothing", "x-forwarded-for: 192.0.2.1\r\n");
    }
    for status in ["200", "304", "401", "404", "405", "413", "429"] {
        assert!(statuses.iter().any(|seen| seen == status), "{status} in {statuses:?}");
    }
}
