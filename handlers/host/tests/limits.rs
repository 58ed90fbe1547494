//! Tests of the limits per caller, per address and in total: exact budgets and headers, and no effect on others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    time::Duration,
};

use support::{Process, await_ready, dev, dezky, request};

/// A server with limits, and the development server whose tokens it accepts.
struct Limited {
    _issuer: Process,
    _process: Process,
    address: String,
    person: String,
    admin: String,
}

fn limited(folder: &Path, settings: &[(&str, &str)]) -> Limited {
    let (issuer, _, person, admin) = dev(folder);
    let url = std::fs::read_to_string(folder.join(".dezky/issuer-url")).unwrap();
    let mut command = dezky(folder);
    command.args(["serve", "--listen", "127.0.0.1:0", "--store", "sqlite:.dezky/dezky.sqlite"]);
    command.args(["--oidc-issuer", url.trim(), "--oidc-audience", "dezky"]);
    command.args(["--platform-admin-group", "dezky-platform-admins"]).envs(settings.iter().copied());
    let process = Process::start(command);
    let line = process.line("listening address=");
    let address = line.split("address=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    await_ready(&address, true);
    Limited { _issuer: issuer, _process: process, address, person, admin }
}

/// Sends one request with additional headers, and returns head and body of the answer.
fn ask(address: &str, path: &str, headers: &[(&str, &str)]) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\n{lines}connection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn status(head: &str) -> u16 {
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().filter_map(|line| line.split_once(": ")).find(|(given, _)| *given == name).map(|(_, value)| value)
}

#[test]
fn a_caller_has_its_burst_and_no_more_and_takes_nothing_from_others() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("DEZKY_CALLER_RATE", "1"), ("DEZKY_CALLER_BURST", "50"), ("DEZKY_ADDRESS_RATE", "off")];
    let server = limited(folder.path(), &settings);
    let person = format!("Bearer {}", server.person);
    let mut passed = 0;
    let refused = loop {
        let (head, body) = ask(&server.address, "/users/me", &[("authorization", &person), ("x-request-id", "r-1")]);
        if status(&head) == 429 {
            break (head, body);
        }
        assert_eq!(status(&head), 200, "{body}");
        assert_eq!(header(&head, "ratelimit-policy"), Some("\"caller\";q=50;w=50"), "{head}");
        assert!(header(&head, "ratelimit").unwrap().starts_with("\"caller\";r="), "{head}");
        passed += 1;
        assert!(passed < 1_000, "there is no limit");
    };
    assert!(passed >= 50, "{passed}");
    let (head, body) = refused;
    let wait: u64 = header(&head, "retry-after").unwrap().parse().unwrap();
    assert_eq!(header(&head, "ratelimit").unwrap(), format!("\"caller\";r=0;t={wait}"));
    assert_eq!(header(&head, "content-type"), Some("application/problem+json"));
    let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(problem["code"], "rate_limited", "{problem:#}");
    assert_eq!(header(&head, "x-request-id"), problem["requestId"].as_str());
    assert_eq!(header(&head, "x-client-request-id"), Some("r-1"));

    assert_eq!(request(&server.address, "GET", "/users/me", Some(&server.admin)).0, 200, "another caller is unharmed");
    for path in ["/healthz", "/readyz", "/metrics"] {
        let (head, _) = ask(&server.address, path, &[("authorization", &person)]);
        assert_eq!((status(&head), header(&head, "ratelimit")), (200, None), "{path}");
    }
    let (_, metrics) = request(&server.address, "GET", "/metrics", None);
    assert!(metrics.contains(r#"dezky_http_refused_total{limit="caller"} 1"#), "{metrics}");
    std::thread::sleep(Duration::from_secs(wait));
    assert_eq!(
        request(&server.address, "GET", "/users/me", Some(&server.person)).0,
        200,
        "after the wait that was told"
    );
}

#[test]
fn an_address_is_limited_before_its_tokens_are_looked_at_and_costs_callers_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        ("DEZKY_ADDRESS_RATE", "1"),
        ("DEZKY_ADDRESS_BURST", "20"),
        ("DEZKY_CALLER_RATE", "1"),
        ("DEZKY_CALLER_BURST", "1000"),
        ("DEZKY_TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    let server = limited(folder.path(), &settings);
    let garbage = |address: &str| {
        let headers = [("x-forwarded-for", address), ("authorization", "Bearer garbage")];
        ask(&server.address, "/users/me", &headers).0
    };
    let refused = (0..1_000).map(|_| garbage("192.0.2.1")).find(|head| status(head) != 401).unwrap();
    assert_eq!(status(&refused), 429, "{refused}");
    assert_eq!(header(&refused, "ratelimit-policy"), Some("\"address\";q=20;w=20"));
    // Entries further left were written by the client itself.
    assert_eq!(status(&garbage("203.0.113.77, 192.0.2.1")), 429);
    // Any other address has its own budget.
    assert_eq!(status(&garbage("2001:db8:7::1")), 401);
    let person = format!("Bearer {}", server.person);
    let (head, body) =
        ask(&server.address, "/users/me", &[("x-forwarded-for", "192.0.2.2"), ("authorization", &person)]);
    assert_eq!(status(&head), 200, "{body}");
    assert_eq!(header(&head, "ratelimit").unwrap().split(";t").next(), Some("\"caller\";r=999"), "its budget is whole");
}

#[test]
fn who_is_no_trusted_proxy_gains_nothing_by_a_forged_header() {
    let folder = tempfile::tempdir().unwrap();
    let server = limited(folder.path(), &[("DEZKY_ADDRESS_RATE", "1"), ("DEZKY_ADDRESS_BURST", "20")]);
    let forged = |number: usize| {
        let address = format!("192.0.2.{}", number % 250);
        status(
            &ask(&server.address, "/launcher?host=x", &[("x-forwarded-for", &address), ("forwarded", "for=1.2.3.4")]).0,
        )
    };
    assert!((0..1_000).map(forged).any(|status| status == 429));
}

#[test]
fn limits_are_switched_off_by_0_and_off() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("DEZKY_ADDRESS_RATE", "0"), ("DEZKY_CALLER_RATE", "off"), ("DEZKY_REQUESTS_IN_FLIGHT", "0")];
    let server = limited(folder.path(), &settings);
    let authorization = format!("Bearer {}", server.person);
    for _ in 0..100 {
        let (head, _) = ask(&server.address, "/users/me", &[("authorization", &authorization)]);
        assert_eq!((status(&head), header(&head, "ratelimit")), (200, None));
    }
}

#[test]
fn the_development_server_has_no_rate_limits_and_a_server_has_them_by_default() {
    let folder = tempfile::tempdir().unwrap();
    let (_development, address, person, _) = dev(folder.path());
    let authorization = format!("Bearer {person}");
    let told = |address: &str| {
        let (head, body) = ask(address, "/users/me", &[("authorization", &authorization)]);
        assert_eq!(status(&head), 200, "{body}");
        (header(&head, "ratelimit-policy").map(str::to_owned), header(&head, "ratelimit").is_some())
    };
    assert_eq!(told(&address), (None, false));
    let folder = tempfile::tempdir().unwrap();
    let server = limited(folder.path(), &[]);
    let authorization = format!("Bearer {}", server.person);
    let (head, _) = ask(&server.address, "/users/me", &[("authorization", &authorization)]);
    assert_eq!(header(&head, "ratelimit-policy"), Some("\"caller\";q=500;w=5"), "{head}");
    assert!(header(&head, "ratelimit").is_some(), "{head}");
}
