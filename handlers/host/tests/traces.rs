//! Requests are found in the log by the trace that their clients named.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use support::served::serve;

#[test]
fn the_line_of_a_request_has_its_trace_id() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path(), "sqlite:served.sqlite", &[("DEZKY_LOG", "debug")]);
    let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let mut stream = TcpStream::connect(&server.address).unwrap();
    write!(
        stream,
        "GET /openapi.json HTTP/1.1\r\nhost: {}\r\ntraceparent: 00-{trace_id}-00f067aa0ba902b7-01\r\nconnection: close\r\n\r\n",
        server.address
    )
    .unwrap();
    stream.read_to_string(&mut String::new()).unwrap();
    let line = server.process.line(&format!("trace_id={trace_id}"));
    assert!(line.contains("route=\"/openapi.json\"") && line.contains("request{id="), "{line}");
}
