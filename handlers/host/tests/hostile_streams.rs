//! Tests that HTTP/2 clients which read nothing, or send cheap frames, take bounded memory and leave others served.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use support::{
    connect_from,
    http2::{self, Http2, head, head_of},
    request,
    served::{Server, serve},
};

/// Far longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// MiB by which the server may grow under any attack.
const MORE: usize = 64;
/// Number of streams of one connection.
const STREAMS: u32 = 128;
const PUBLIC_DOMAIN: (&str, &str) = ("DEZKY_PUBLIC_DOMAIN", "example.eu");
const TOLD_APART: (&str, &str) = ("DEZKY_ADDRESS_BURST", "10000000");

/// Starts a server that tells addresses apart and does not limit their rate.
fn served(folder: &std::path::Path, settings: &[(&str, &str)]) -> Server {
    let settings = [&[PUBLIC_DOMAIN, TOLD_APART, ("DEZKY_ADDRESS_RATE", "10000000")], settings].concat();
    serve(folder, "sqlite:served.sqlite", &settings)
}

/// Returns a value of the process's status in MiB.
fn memory(server: &Server, name: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1_024
}

/// Runs an attack, after which the server must serve others and must have grown little.
fn harmless<T>(server: &Server, attack: impl FnOnce() -> T) {
    let before = memory(server, "VmRSS");
    let held = attack();
    assert_eq!(ask_from([127, 0, 0, 9], server, "/healthz"), 200);
    // For a moment, clients that are about to be found stalled may have all slots.
    let begun = Instant::now();
    while ask_from([127, 0, 0, 9], server, "/openapi.json") != 200 {
        assert!(begun.elapsed() < PATIENCE, "others are not served");
    }
    let grown = memory(server, "VmHWM").saturating_sub(before);
    assert!(grown < MORE, "{grown} MiB more than {before}");
    drop(held);
}

/// Sends a signed-in request from another address, and returns the status.
fn ask_from(source: [u8; 4], server: &Server, path: &str) -> u16 {
    let mut stream = connect_from(source, &server.address);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let authorization = format!("authorization: Bearer {}", server.admin);
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\n{authorization}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Opens a connection with this window per stream, with a request on every stream that is allowed.
fn asking(server: &Server, source: [u8; 4], window: u32, path: &str) -> Http2 {
    let mut connection = Http2::over(connect_from(source, &server.address), window, PATIENCE);
    for number in 0..STREAMS {
        // The server may have closed the connection.
        let flags = http2::END_STREAM | http2::END_HEADERS;
        let _refused = connection.write(http2::HEADERS, flags, 2 * number + 1, &head(path));
    }
    connection
}

/// Reads until every stream is answered or refused.
fn answered(connection: &mut Http2) {
    let mut waiting = STREAMS;
    while waiting > 0 {
        match connection.read() {
            Some(frame) if [http2::HEADERS, http2::RST_STREAM].contains(&frame.kind) => waiting -= 1,
            Some(_) => {}
            None => return,
        }
    }
}

#[test]
fn answers_that_nobody_takes_hold_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let server = served(folder.path(), &[("DEZKY_ARRIVAL_SECONDS", "60")]);
    for (window, path) in [(0, "/openapi.json"), (1, "/metrics"), (0, "/users/me"), (16, "/launcher?host=x.example.eu")]
    {
        harmless(&server, || {
            let mut connections: Vec<_> =
                (0..48).map(|number| asking(&server, [127, 0, 0, 1 + number % 2], window, path)).collect();
            connections.iter_mut().for_each(answered);
            connections
        });
    }
    let refused = refused(&server);
    assert!(refused.contains(&"streams".to_owned()) && refused.contains(&"in_flight".to_owned()), "{refused:?}");
}

#[test]
fn the_bytes_of_answers_have_a_bound_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let server = served(folder.path(), &[("DEZKY_ARRIVAL_SECONDS", "60"), ("DEZKY_REQUESTS_IN_FLIGHT", "2000")]);
    harmless(&server, || {
        let mut connections: Vec<_> =
            (0..16).map(|number| asking(&server, [127, 0, 0, 1 + number % 2], 0, "/openapi.json")).collect();
        connections.iter_mut().for_each(answered);
        connections
    });
    assert!(refused(&server).contains(&"answer_bytes".to_owned()));
}

/// Returns the limits that have refused something.
fn refused(server: &Server) -> Vec<String> {
    let (_, metrics) = request(&server.address, "GET", "/metrics", None);
    let name = |line: &str| Some(line.strip_prefix("dezky_http_refused_total{limit=\"")?.split('"').next()?.to_owned());
    metrics.lines().filter_map(name).collect()
}

/// Reads until this stream is reset; the connection stays open.
fn await_reset(connection: &mut Http2, stream: u32) {
    loop {
        let frame = connection.read().expect("the connection stays open");
        if (frame.kind, frame.stream) == (http2::RST_STREAM, stream) {
            return;
        }
    }
}

#[test]
fn a_stream_of_which_nothing_is_taken_is_reset_and_its_connection_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let server = served(folder.path(), &[("DEZKY_ARRIVAL_SECONDS", "2")]);
    let address = server.address.as_str();
    thread::scope(|scope| {
        // Nothing of a small answer, nothing of a large one, and only a part of one that hyper has handed over.
        for (window, path) in [(0, "/healthz"), (0, "/openapi.json"), (100, "/openapi.json")] {
            scope.spawn(move || {
                let mut connection = Http2::connect(address, window, PATIENCE);
                connection.get(path, 1);
                await_reset(&mut connection, 1);
                connection.get("/healthz", 3);
                connection.allow(3, 100_000);
                let mut ended = false;
                while !ended {
                    let frame = connection.read().expect("another stream is answered");
                    ended = frame.stream == 3 && frame.flags & http2::END_STREAM != 0;
                }
            });
        }
        // A response that has ended cannot be reset: the connection ends.
        let ended = scope.spawn(|| {
            let mut connection = Http2::connect(address, 10, PATIENCE);
            connection.get("/healthz", 1);
            while connection.read().is_some() {}
        });
        ended.join().unwrap();
    });
    assert!(refused(&server).contains(&"untaken_answers".to_owned()));
}

#[test]
fn who_takes_an_answer_slowly_gets_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = served(folder.path(), &[("DEZKY_ARRIVAL_SECONDS", "1")]);
    let mut connection = Http2::connect(&server.address, 1_000, PATIENCE);
    connection.get("/openapi.json", 1);
    let begun = Instant::now();
    let mut body = Vec::new();
    loop {
        let frame = connection.read().expect("the connection stays open");
        assert_ne!(frame.kind, http2::RST_STREAM, "after {} bytes", body.len());
        if frame.kind == http2::DATA {
            body.extend_from_slice(&frame.payload);
            if frame.flags & http2::END_STREAM != 0 {
                break;
            }
            thread::sleep(Duration::from_millis(if begun.elapsed() < Duration::from_secs(3) { 300 } else { 0 }));
            connection.allow(1, 1_000);
        }
    }
    assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok() && begun.elapsed() > Duration::from_secs(2));
}

#[test]
fn slow_bodies_of_two_addresses_shut_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let server = served(folder.path(), &[("DEZKY_ARRIVAL_SECONDS", "60")]);
    let body = |slug: &str| format!(r#"{{"slug":"{slug}","name":"{slug}"}}"#);
    let post = |source: [u8; 4], slug: &str, sent: usize| {
        let mut stream = connect_from(source, &server.address);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (body, admin) = (body(slug), &server.admin);
        let _refused = write!(
            stream,
            "POST /tenants HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {admin}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{}",
            body.len(),
            &body[..sent.min(body.len())]
        );
        stream
    };
    let answer = |mut stream: TcpStream| {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    let slow: Vec<_> = (0..520).map(|number| post([127, 0, 0, if number < 260 { 1 } else { 2 }], "slow", 5)).collect();
    // Refused clients get an answer; then the others are waited for.
    while !refused(&server).contains(&"awaited_bodies".to_owned()) {
        thread::yield_now();
    }
    let answer = answer(post([127, 0, 0, 3], "third", usize::MAX));
    assert!(answer.starts_with("HTTP/1.1 201"), "another address sends a body: {answer}");
    for source in [[127, 0, 0, 1], [127, 0, 0, 3]] {
        assert_eq!(ask_from(source, &server, "/tenants/third"), 200, "nobody waits who sends none");
    }
    drop(slow);
}

#[test]
fn who_takes_nothing_loses_its_place_in_flight() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("DEZKY_ARRIVAL_SECONDS", "60"), ("DEZKY_REQUESTS_IN_FLIGHT", "2"), ("DEZKY_ADDRESS_RATE", "off")];
    let server = served(folder.path(), &settings);
    // Two stalled answers first take both slots (one address has half of them), then one each of those for stalled
    // answers.
    let idle = [1, 2].map(|address| {
        let stream = connect_from([127, 0, 0, address], &server.address);
        let mut idle = Http2::over(stream, 0, PATIENCE);
        idle.get("/openapi.json", 1);
        let head = loop {
            let frame = idle.read().expect("it is answered");
            if frame.kind == http2::HEADERS {
                break frame;
            }
        };
        // RFC 7541, appendix A: the entry of `:status: 200`.
        assert_eq!(head.payload[0], 0x88, "it has a place");
        idle
    });
    let begun = Instant::now();
    while ask_from([127, 0, 0, 3], &server, "/users/me") != 200 {
        assert!(begun.elapsed() < PATIENCE, "a place is given back by who takes nothing");
    }
    drop(idle);
}

#[test]
fn frames_that_cost_a_client_nothing_cost_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let server = served(folder.path(), &[("DEZKY_ARRIVAL_SECONDS", "60")]);
    let connect = || Http2::connect(&server.address, 65_535, PATIENCE);
    // The client never reads: the server must at some point stop reading too, or end the connection.
    let flood = |frames: &mut dyn FnMut(&mut Http2, u32) -> std::io::Result<()>| {
        let mut connection = connect();
        connection.set_write_timeout(Duration::from_secs(1));
        for number in 0..50_000 {
            if frames(&mut connection, number).is_err() {
                break;
            }
        }
        connection
    };
    let whole = http2::END_STREAM | http2::END_HEADERS;
    harmless(&server, || flood(&mut |connection, _| connection.write(http2::PING, 0, 0, &[0; 8])));
    harmless(&server, || flood(&mut |connection, _| connection.write(http2::SETTINGS, 0, 0, &[])));
    // Repeatedly sends and cancels a request.
    harmless(&server, || {
        flood(&mut |connection, number| {
            connection.write(http2::HEADERS, whole, 2 * number + 1, &head("/launcher?host=x.example.eu"))?;
            connection.write(http2::RST_STREAM, 0, 2 * number + 1, &[0, 0, 0, 8])
        })
    });
    // An endless head.
    harmless(&server, || {
        let mut begun = false;
        flood(&mut |connection, _| {
            let kind = if std::mem::replace(&mut begun, true) { http2::CONTINUATION } else { http2::HEADERS };
            let field = head_of("GET", "/", &[("x-long", &"a".repeat(1_000))]);
            connection.write(kind, 0, 1, if kind == http2::HEADERS { &field } else { &field[4..] })
        })
    });
    // A body beyond the window, which the server does not read.
    harmless(&server, || {
        let mut begun = false;
        flood(&mut |connection, _| {
            if !std::mem::replace(&mut begun, true) {
                connection.write(http2::HEADERS, http2::END_HEADERS, 1, &head_of("POST", "/tenants", &[]))?;
            }
            connection.write(http2::DATA, 0, 1, &[b' '; 16_384])
        })
    });
}

#[test]
fn large_heads_before_bodies_that_never_come_take_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let server = served(folder.path(), &[("DEZKY_ARRIVAL_SECONDS", "60")]);
    let long = "a".repeat(15_000);
    let authorization = format!("Bearer {}", server.admin);
    let fields = [("authorization", authorization.as_str()), ("content-type", "application/json"), ("x-long", &long)];
    let block = head_of("POST", "/tenants", &fields);
    harmless(&server, || {
        let ask = |number: u8| {
            let mut connection =
                Http2::over(connect_from([127, 0, 0, 1 + number % 2], &server.address), 65_535, PATIENCE);
            for stream in 0..STREAMS {
                let _refused = connection.write(http2::HEADERS, http2::END_HEADERS, 2 * stream + 1, &block);
            }
            connection
        };
        let connections: Vec<_> = (0..16).map(ask).collect();
        while !refused(&server).contains(&"awaited_bodies".to_owned()) {
            thread::yield_now();
        }
        connections
    });
}
