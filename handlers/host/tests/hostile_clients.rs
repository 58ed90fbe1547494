//! Clients that are slow, huge or impolite are cut off, and others are served meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use support::{Process, await_ready, dev, dezky, request};

/// Far more than the two seconds in which a request must arrive here.
const PATIENCE: Duration = Duration::from_secs(30);

struct Server {
    _issuer: Process,
    _process: Process,
    address: String,
    admin: String,
}

fn serve(folder: &Path) -> Server {
    let (issuer, _, _, admin) = dev(folder);
    let url = std::fs::read_to_string(folder.join(".dezky/issuer-url")).unwrap();
    let mut command = dezky(folder);
    command.args(["serve", "--listen", "127.0.0.1:0", "--store", "sqlite:served.sqlite", "--oidc-issuer", url.trim()]);
    command.args(["--oidc-audience", "dezky", "--platform-admin-group", "dezky-platform-admins"]);
    command.env("DEZKY_ARRIVAL_SECONDS", "2").args(["--caller-rate", "off", "--address-rate", "off"]);
    let process = Process::start(command);
    let line = process.line("listening address=");
    let address = line.split("address=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    await_ready(&address, true);
    assert_eq!(request(&address, "GET", "/users/me", Some(&admin)).0, 200);
    Server { _issuer: issuer, _process: process, address, admin }
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// All that comes until the server closes the connection, which it must.
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

/// Sends a byte now and then until the server has had enough.
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

/// The status of the answer to a head; none if the connection was closed without one.
fn answer_to(address: &str, head: &str) -> Option<u16> {
    let mut stream = connect(address);
    // The server may close before it has all.
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
        answers.lines().filter_map(|line| line.strip_prefix("x-request-id: ")).map(str::to_owned).collect();
    assert_eq!(ids, (0..50).map(|number| format!("n-{number}")).collect::<Vec<_>>());
}
