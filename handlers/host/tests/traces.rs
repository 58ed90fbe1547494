//! Requests are found in the log by the trace that their clients named.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use support::{
    request, send,
    served::{Server, serve},
};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Asks for the API's document as a part of this trace.
fn ask(address: &str, traceparent: &str) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /openapi.json HTTP/1.1\r\nhost: {address}\r\ntraceparent: {traceparent}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    stream.read_to_string(&mut String::new()).unwrap();
}

/// The paths and bodies that a collector gets.
fn collector() -> (String, mpsc::Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (sender, received) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut line, mut length) = (String::new(), 0);
            reader.read_line(&mut line).unwrap();
            loop {
                let mut field = String::new();
                reader.read_line(&mut field).unwrap();
                if let Some(value) = field.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if field.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").unwrap();
            if sender.send((line, serde_json::from_slice(&body).unwrap())).is_err() {
                return;
            }
        }
    });
    (endpoint, received)
}

/// Stops a server, and returns all that it exports until the spans of so many requests are there.
fn exported(
    server: &mut Server,
    received: &mpsc::Receiver<(String, Value)>,
    name: &str,
    requests: usize,
) -> Vec<Value> {
    server.process.terminate();
    assert!(server.process.wait().success());
    let mut spans: Vec<Value> = Vec::new();
    while spans.iter().filter(|span| span["name"] == name).count() < requests {
        let (_, body) = received.recv_timeout(Duration::from_secs(60)).unwrap();
        spans.extend(body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone());
    }
    spans
}

#[test]
fn the_line_of_a_request_has_its_trace_id() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path(), "sqlite:served.sqlite", &[("DEZKY_LOG", "debug")]);
    ask(&server.address, &format!("00-{TRACE_ID}-00f067aa0ba902b7-01"));
    let line = server.process.line(&format!("trace_id={TRACE_ID}"));
    assert!(line.contains("route=\"/openapi.json\"") && line.contains("request{id="), "{line}");
}

#[test]
fn spans_of_sampled_traces_go_to_the_collector() {
    let folder = tempfile::tempdir().unwrap();
    let (endpoint, received) = collector();
    let mut server = serve(folder.path(), "sqlite:served.sqlite", &[("DEZKY_OTLP_ENDPOINT", &endpoint)]);
    ask(&server.address, &format!("00-{TRACE_ID}-00f067aa0ba902b7-01"));
    let unwanted = "5bf92f3577b34da6a3ce929d0e0e4736";
    ask(&server.address, &format!("00-{unwanted}-00f067aa0ba902b7-00"));
    assert_eq!(request(&server.address, "GET", "/nothing", None).0, 404);
    // What waits is handed over before the process ends.
    server.process.terminate();
    assert!(server.process.wait().success());
    let mut spans = Vec::new();
    // The last one is of the last request.
    while !spans.iter().any(|span: &Value| span["name"] == "GET none") {
        let (line, body) = received.recv_timeout(Duration::from_secs(60)).unwrap();
        assert_eq!(line.trim(), "POST /v1/traces HTTP/1.1");
        let resource = &body["resourceSpans"][0];
        let service = json!({ "key": "service.name", "value": { "stringValue": "dezky" } });
        assert_eq!(resource["resource"]["attributes"][0], service);
        spans.extend(resource["scopeSpans"][0]["spans"].as_array().unwrap().clone());
    }
    assert!(spans.iter().all(|span| span["traceId"] != unwanted), "{spans:?}");
    let [span] = &spans.iter().filter(|span| span["traceId"] == TRACE_ID).collect::<Vec<_>>()[..] else {
        panic!("{spans:?}");
    };
    assert_eq!((&span["parentSpanId"], &span["name"]), (&json!("00f067aa0ba902b7"), &json!("GET /openapi.json")));
    assert_eq!((&span["kind"], span["spanId"].as_str().unwrap().len()), (&json!(2), 16));
    let nanoseconds = |name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
    assert!(nanoseconds("startTimeUnixNano") <= nanoseconds("endTimeUnixNano"));
    let status = json!({ "key": "http.response.status_code", "value": { "intValue": "200" } });
    assert_eq!(span["attributes"][2], status);
    // Traces that begin here are recorded from their first span on.
    let begun = spans.iter().find(|span| span["name"] == "GET none").unwrap();
    assert!(begun.get("parentSpanId").is_none() && begun.get("status").is_none(), "{begun}");
}

#[test]
fn store_calls_are_spans_within_that_of_their_request() {
    let folder = tempfile::tempdir().unwrap();
    let (endpoint, received) = collector();
    let mut server = serve(folder.path(), "sqlite:served.sqlite", &[("DEZKY_OTLP_ENDPOINT", &endpoint)]);
    // A key that there is not is looked for in the store.
    let key = format!("dzk_{}_{}", "65f0c0ffee0000000000cafe", "s".repeat(43));
    assert_eq!(request(&server.address, "GET", "/tenants", Some(&key)).0, 401);
    let spans = exported(&mut server, &received, "GET /tenants", 1);
    let asked = spans.iter().find(|span| span["name"] == "GET /tenants").unwrap();
    let within: Vec<&Value> = spans.iter().filter(|span| span["parentSpanId"] == asked["spanId"]).collect();
    assert!(!within.is_empty(), "no store call: {spans:#?}");
    for call in within {
        assert_eq!((&call["traceId"], &call["kind"]), (&asked["traceId"], &json!(3)));
        let system = json!({ "key": "db.system.name", "value": { "stringValue": "sqlite" } });
        assert_eq!(call["attributes"][0], system);
        assert!(!call.to_string().contains("65f0c0ffee0000000000cafe"), "it shows an id: {call}");
        assert!(call.get("status").is_none(), "{call}");
    }
}

/// The wrappers of the server let through what the core reads together.
#[test]
fn a_profile_takes_one_read_of_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let (endpoint, received) = collector();
    let mut server = serve(folder.path(), "sqlite:served.sqlite", &[("DEZKY_OTLP_ENDPOINT", &endpoint)]);
    let (address, admin) = (server.address.clone(), server.admin.clone());
    let ask = || support::json(&request(&address, "GET", "/users/me", Some(&admin)));
    let create = |path: &str, body: Value| {
        let (status, created) = send([127, 0, 0, 1], &address, "POST", path, &admin, &body);
        assert_eq!(status, 201, "{created}");
        created
    };
    let tenant = create("/tenants", json!({ "slug": "acme", "name": "Acme" }));
    let tenant: Value = serde_json::from_str(&tenant).unwrap();
    let members = format!("/tenants/{}/members", tenant["id"].as_str().unwrap());
    create(&members, json!({ "userId": ask()["user"]["id"], "role": "member" }));
    assert_eq!(ask()["tenants"][0]["slug"], "acme");
    let spans = exported(&mut server, &received, "GET /users/me", 3);
    let asked = spans.iter().filter(|span| span["name"] == "GET /users/me");
    let last = asked.max_by_key(|span| span["startTimeUnixNano"].as_str().unwrap()).unwrap();
    let within = spans.iter().filter(|span| span["parentSpanId"] == last["spanId"]);
    let calls: Vec<_> = within.map(|call| call["name"].as_str().unwrap()).collect();
    assert_eq!(calls, ["read"], "{spans:#?}");
}

#[test]
fn a_collector_that_is_away_costs_spans_and_no_requests() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let server = serve(folder.path(), "sqlite:served.sqlite", &[("DEZKY_OTLP_ENDPOINT", &endpoint)]);
    // A full batch is sent without waiting for more.
    for _ in 0..512 {
        assert_eq!(request(&server.address, "GET", "/healthz", None).0, 200);
    }
    let line = server.process.line("spans are not exported");
    assert!(line.contains("DEZKY_OTLP_ENDPOINT"), "{line}");
    let (_, metrics) = request(&server.address, "GET", "/metrics", None);
    let dropped = metrics.lines().find_map(|line| line.strip_prefix("dezky_spans_dropped_total ")).unwrap();
    assert!(dropped.parse::<u64>().unwrap() >= 512, "{dropped}");
}
