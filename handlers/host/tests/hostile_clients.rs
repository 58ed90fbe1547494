//! Tests that slow, huge or misbehaving clients are cut off while others are served.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use support::{
    Process, await_ready, connect_from, dev, dezky_under,
    http2::{self, Http2},
    request,
};

/// Far longer than the two seconds in which a request must arrive here.
const PATIENCE: Duration = Duration::from_secs(30);

struct Server {
    _issuer: Process,
    process: Process,
    address: String,
    admin: String,
}

fn serve(folder: &Path) -> Server {
    serve_under(&[], folder, &[])
}

/// Starts a server with settings, run by a wrapper command if there is one.
fn serve_under(wrapper: &[&str], folder: &Path, settings: &[(&str, &str)]) -> Server {
    let (issuer, _, _, admin) = dev(folder);
    let url = std::fs::read_to_string(folder.join(".dezky/issuer-url")).unwrap();
    let mut command = dezky_under(wrapper, folder);
    command.args(["serve", "--listen", "127.0.0.1:0", "--store", "sqlite:served.sqlite", "--oidc-issuer", url.trim()]);
    command.args(["--oidc-audience", "dezky", "--platform-admin-group", "dezky-platform-admins"]);
    command.env("DEZKY_ARRIVAL_SECONDS", "2").env("DEZKY_ADDRESS_RATE", "off").args(["--caller-rate", "off"]);
    command.envs(settings.iter().copied());
    let process = Process::start(command);
    let line = process.line("listening address=");
    let address = line.split("address=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    await_ready(&address, true);
    assert_eq!(request(&address, "GET", "/users/me", Some(&admin)).0, 200);
    Server { _issuer: issuer, process, address, admin }
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Reads until the server closes the connection, which it must.
fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("the connection stays open: {error}"),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Sends a byte at intervals until the server gives up.
fn drip(mut stream: TcpStream) -> String {
    let mut writer = stream.try_clone().unwrap();
    let begun = Instant::now();
    let dripping = thread::spawn(move || {
        while writer.write_all(b"a").is_ok() {
            assert!(begun.elapsed() < PATIENCE, "the server takes a byte at a time without end");
            thread::sleep(Duration::from_millis(100));
        }
    });
    let answer = rest(&mut stream);
    stream.shutdown(std::net::Shutdown::Both).unwrap_or_default();
    dripping.join().unwrap();
    answer
}

#[test]
fn slow_heads_and_slow_bodies_are_cut_off_while_others_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let (address, admin) = (server.address.as_str(), server.admin.as_str());
    thread::scope(|scope| {
        let silent = scope.spawn(|| rest(&mut connect(address)));
        let heads: Vec<_> = (0..20)
            .map(|_| {
                scope.spawn(|| {
                    let mut stream = connect(address);
                    write!(stream, "GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ").unwrap();
                    drip(stream)
                })
            })
            .collect();
        let bodies: Vec<_> = (0..20)
            .map(|_| {
                scope.spawn(|| {
                    let mut stream = connect(address);
                    write!(
                        stream,
                        "POST /tenants HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {admin}\r\n\
                         content-type: application/json\r\ncontent-length: 100000\r\n\r\n"
                    )
                    .unwrap();
                    drip(stream)
                })
            })
            .collect();
        let mut served = 0;
        while !silent.is_finished() || heads.iter().chain(&bodies).any(|client| !client.is_finished()) {
            assert_eq!(request(address, "GET", "/users/me", Some(admin)).0, 200);
            served += 1;
        }
        assert!(served > 0);
        assert_eq!(silent.join().unwrap(), "");
        for head in heads {
            let answer = head.join().unwrap();
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
        }
        for body in bodies {
            let answer = body.join().unwrap();
            assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("request_timeout"), "{answer}");
        }
    });
}

/// Returns the status of the answer to a head; `None` if the connection was closed without one.
fn answer_to(address: &str, head: &str) -> Option<u16> {
    let mut stream = connect(address);
    // The server may close before it has received everything.
    let _early = stream.write_all(head.as_bytes());
    let answer = rest(&mut stream);
    answer.split(' ').nth(1).map(|status| status.parse().unwrap())
}

#[test]
fn heads_that_are_too_large_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let address = server.address.as_str();
    let get = |path: &str, lines: &str| {
        answer_to(address, &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{lines}\r\n"))
    };
    assert_eq!(get("/healthz", "x-fits: a\r\n"), Some(200));
    let refused = |status: Option<u16>| matches!(status, None | Some(400 | 414 | 431));
    for status in [
        get("/healthz", &format!("x-huge: {}\r\n", "a".repeat(1 << 20))),
        get("/healthz", &"x-many: a\r\n".repeat(1_000)),
        get(&format!("/healthz?{}", "a".repeat(1 << 20)), ""),
    ] {
        assert!(refused(status), "{status:?}");
    }
    assert_eq!(get("/healthz", ""), Some(200));
}

#[test]
fn a_body_over_the_limit_is_refused_whether_it_is_announced_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let (address, admin) = (server.address.as_str(), server.admin.as_str());
    let head = format!(
        "POST /tenants HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {admin}\r\ncontent-type: application/json\r\n\
         connection: close\r\n"
    );
    assert_eq!(answer_to(address, &format!("{head}content-length: 2000000\r\n\r\n")), Some(413));
    let mut stream = connect(address);
    write!(stream, "{head}transfer-encoding: chunked\r\n\r\n").unwrap();
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x10000));
    for _ in 0..17 {
        if stream.write_all(chunk.as_bytes()).is_err() {
            break;
        }
    }
    let mut start = [0; 12];
    stream.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");
}

#[test]
fn requests_that_come_before_the_answers_to_earlier_ones_are_answered_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let mut stream = connect(&server.address);
    let mut text = String::new();
    for number in 0..50 {
        let close = if number == 49 { "connection: close\r\n" } else { "" };
        text.push_str(&format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-request-id: n-{number}\r\n{close}\r\n"));
    }
    stream.write_all(text.as_bytes()).unwrap();
    let answers = rest(&mut stream);
    let ids: Vec<_> =
        answers.lines().filter_map(|line| line.strip_prefix("x-client-request-id: ")).map(str::to_owned).collect();
    assert_eq!(ids, (0..50).map(|number| format!("n-{number}")).collect::<Vec<_>>());
}

/// Returns a wrapper that runs a command with limits on its open files.
fn limited(limits: &str) -> [String; 3] {
    ["sh".to_owned(), "-c".to_owned(), format!("{limits} && exec \"$0\" \"$@\"")]
}

#[test]
fn one_address_does_not_take_the_descriptors_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let wrapper = limited("ulimit -S -n 128 && ulimit -H -n 256");
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let server = serve_under(&wrapper, folder.path(), &[("DEZKY_ARRIVAL_SECONDS", "120")]);
    let held: Vec<TcpStream> = (0..300).map(|_| connect(&server.address)).collect();
    let mut other = connect_from([127, 0, 0, 2], &server.address);
    other.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(other, "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    assert!(rest(&mut other).starts_with("HTTP/1.1 200"));
    drop(held);
}

#[test]
fn the_soft_limit_on_descriptors_is_raised_and_a_hard_one_that_is_far_too_low_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let wrapper = limited("ulimit -S -n 64 && ulimit -H -n 1000");
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let server = serve_under(&wrapper, folder.path(), &[]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.process.child.id())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(files.split_whitespace().nth(3), Some("1000"), "{files}");
    let wrapper = limited("ulimit -S -n 100 && ulimit -H -n 100");
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let mut command = dezky_under(&wrapper, folder.path());
    command.args(["serve", "--listen", "127.0.0.1:0", "--store", "sqlite:served.sqlite"]);
    command.args(["--oidc-issuer", "http://127.0.0.1:9/", "--oidc-audience", "dezky"]);
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), told.lines().count()), (Some(2), 1), "{told}");
    assert!(told.contains("100 open files are allowed") && told.contains("LimitNOFILE"), "{told}");
}

#[test]
fn an_idle_http2_connection_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve_under(&[], folder.path(), &[("DEZKY_KEEP_ALIVE_SECONDS", "3")]);
    let mut connection = Http2::connect(&server.address, 65_535, PATIENCE);
    connection.get("/healthz", 1);
    connection.await_end(1);
    let mut told = false;
    while let Some(frame) = connection.read() {
        told |= frame.kind == http2::GOAWAY;
    }
    assert!(told, "the client learns that the connection ends");
}

#[test]
fn an_unfinished_http2_head_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve_under(&[], folder.path(), &[("DEZKY_KEEP_ALIVE_SECONDS", "3600")]);
    let mut connection = Http2::connect(&server.address, 65_535, PATIENCE);
    connection.get("/healthz", 1);
    connection.await_end(1);
    connection.write(http2::HEADERS, http2::END_STREAM, 3, &http2::head("/healthz")).unwrap();
    // A ping cannot be answered in the middle of a head.
    connection.await_close();
}

/// Waits until the server has no connection except the one that asks.
fn await_alone(address: &str) {
    let begun = Instant::now();
    while !request(address, "GET", "/metrics", None).1.contains("\ndezky_http_connections 1\n") {
        assert!(begun.elapsed() < PATIENCE, "the server keeps who does not read");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn who_does_not_read_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve_under(&[], folder.path(), &[("DEZKY_KEEP_ALIVE_SECONDS", "3600")]);
    let mut stream = connect(&server.address);
    // Far more than the buffers of both ends.
    let text = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1_000);
    stream.write_all(text.as_bytes()).unwrap();
    await_alone(&server.address);
    drop(stream);
}

#[test]
fn who_takes_nothing_of_an_http2_stream_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve_under(&[], folder.path(), &[("DEZKY_KEEP_ALIVE_SECONDS", "2")]);
    let mut connection = Http2::connect(&server.address, 0, PATIENCE);
    connection.get("/openapi.json", 1);
    let mut kinds = Vec::new();
    while let Some(frame) = connection.read() {
        kinds.push(frame.kind);
    }
    assert!(kinds.contains(&http2::HEADERS) && !kinds.contains(&http2::DATA), "{kinds:?}");
}

/// Returns the peak memory of a process in MiB.
fn peak(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1_024
}

fn post(stream: &mut TcpStream, admin: &str, body: &[u8], length: usize) -> std::io::Result<()> {
    let head = format!(
        "POST /tenants HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {admin}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}

/// Sends a complete body of this length, and returns the answer.
fn posted(mut stream: TcpStream, admin: &str, slug: &str, length: usize) -> String {
    let body = format!(r#"{{"slug":"{slug}","name":"{slug}"}}"#);
    let body = format!("{body}{}", " ".repeat(length.saturating_sub(body.len())));
    // The answer may arrive before everything is sent.
    let _early = post(&mut stream, admin, body.as_bytes(), body.len());
    rest(&mut stream)
}

#[test]
fn bodies_that_are_never_complete_take_bounded_memory_and_not_all_of_it() {
    const BODY: usize = 1 << 20;
    let folder = tempfile::tempdir().unwrap();
    let settings = [("DEZKY_ARRIVAL_SECONDS", "120"), ("DEZKY_ADDRESS_RATE", "100000")];
    let server = serve_under(&[], folder.path(), &settings);
    let (address, admin) = (server.address.as_str(), server.admin.as_str());
    let before = peak(server.process.child.id());
    let almost = vec![b' '; BODY - 1];
    let hold = |_| {
        let mut stream = connect(address);
        // A refused connection is closed before everything is sent.
        let _refused = post(&mut stream, admin, &almost, BODY);
        stream
    };
    let mut held: Vec<TcpStream> = (0..200).map(hold).collect();
    let answer = posted(connect_from([127, 0, 0, 2], address), admin, "other", 100);
    assert!(answer.starts_with("HTTP/1.1 201"), "another address has room: {answer}");
    // What was sent is read in its own time, and what did not fit has given back what it had: more is sent until all is taken.
    let begun = Instant::now();
    let answer = loop {
        let answer = posted(connect(address), admin, &format!("same-{}", held.len()), BODY);
        if !answer.starts_with("HTTP/1.1 201") {
            break answer;
        }
        assert!(begun.elapsed() < PATIENCE, "one address takes any number of bodies");
        held.push(hold(held.len()));
    };
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("overloaded"), "{answer}");
    let (_, metrics) = request(address, "GET", "/metrics", None);
    assert!(metrics.contains(r#"dezky_http_refused_total{limit="body_bytes"}"#), "{metrics}");
    let grown = peak(server.process.child.id()).saturating_sub(before);
    assert!(grown < 128, "{grown} MiB more");
    drop(held);
    let begun = Instant::now();
    while !posted(connect(address), admin, "same", BODY).starts_with("HTTP/1.1 201") {
        assert!(begun.elapsed() < PATIENCE, "the room is given back");
        thread::sleep(Duration::from_millis(50));
    }
}
