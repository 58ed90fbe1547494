//! Tests that refusals are logged with their cause, rate-limited, and counted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
};

use support::{Process, await_ready, dev, dezky, request};

/// Returns the value of a field of a line.
fn field<'line>(line: &'line str, name: &str) -> Option<&'line str> {
    line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

/// Returns the next line about a refusal: code, issuer, caller, address, method and route.
fn refused(process: &Process) -> (String, [Option<String>; 5]) {
    let line = process.line(" refused code=");
    assert!(!line.contains("eyJ"), "no part of a token: {line}");
    let fields = ["issuer", "caller", "address", "method", "route"];
    (field(&line, "code").unwrap().to_owned(), fields.map(|name| field(&line, name).map(str::to_owned)))
}

fn told(fields: [Option<&str>; 5]) -> [Option<String>; 5] {
    fields.map(|field| field.map(str::to_owned))
}

fn post_form(address: &str, path: &str, body: &str) -> u16 {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Returns a token with a wrong signature.
fn forged(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{first}{}", &signature[1..])
}

#[test]
fn each_refusal_is_a_line_that_says_who_what_and_where_and_is_counted_by_code() {
    let folder = tempfile::tempdir().unwrap();
    let (process, address, person, _) = dev(folder.path());
    await_ready(&address, true);
    let here = Some("127.0.0.1");

    assert_eq!(request(&address, "GET", "/users/me", None).0, 401);
    assert_eq!(
        refused(&process),
        ("token_missing".to_owned(), told([None, None, here, Some("GET"), Some("/users/me")]))
    );
    assert_eq!(request(&address, "GET", "/tenants/acme", Some(&forged(&person))).0, 401);
    assert_eq!(
        refused(&process),
        ("token_signature".to_owned(), told([Some("default"), None, here, Some("GET"), Some("/tenants/{tenant}")]))
    );
    assert_eq!(request(&address, "GET", "/tenants", Some("x.y.z")).0, 401);
    assert_eq!(refused(&process).1, told([None, None, here, Some("GET"), Some("/tenants")]));
    assert_eq!(request(&address, "DELETE", "/tenants/dezky", Some(&person)).0, 403);
    assert_eq!(
        refused(&process),
        (
            "platform_admin_required".to_owned(),
            told([Some("default"), Some("anna"), here, Some("DELETE"), Some("/tenants/{tenant}")])
        )
    );
    let logout = format!("logout_token={}", forged(&person));
    assert_eq!(post_form(&address, "/oidc/backchannel-logout", &logout), 400);
    assert_eq!(
        refused(&process),
        (
            "token_signature".to_owned(),
            told([Some("default"), None, here, Some("POST"), Some("/oidc/backchannel-logout")])
        )
    );
    let metrics = request(&address, "GET", "/metrics", None).1;
    for (code, count) in [("token_missing", 1), ("token_signature", 2), ("platform_admin_required", 1)] {
        let line = format!("dezky_http_refusals_total{{code=\"{code}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
}

fn serve(folder: &Path, settings: &[(&str, &str)]) -> (Process, String) {
    let mut command = dezky(folder);
    command.args(["serve", "--listen", "127.0.0.1:0", "--store", "sqlite:dezky.sqlite"]);
    command.args(["--oidc-issuer", "http://127.0.0.1:9/", "--oidc-audience", "dezky"]).envs(settings.iter().copied());
    let process = Process::start(command);
    let line = process.line("listening address=");
    (process, line.split("address=").nth(1).unwrap().split(' ').next().unwrap().to_owned())
}

#[test]
fn a_flood_of_refusals_is_told_in_few_lines_that_count_the_rest_and_hides_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (process, address) = serve(folder.path(), &[]);
    for _ in 0..400 {
        assert_eq!(request(&address, "GET", "/users", None).0, 401);
    }
    // Of another kind, and so not suppressed by the flood.
    assert_eq!(post_form(&address, "/oidc/backchannel-logout", "logout_token=x"), 400);
    let mut lines = 0;
    loop {
        let line = process.line(" refused code=");
        if line.contains("route=/oidc/backchannel-logout") {
            break;
        }
        lines += 1;
    }
    assert!((50..400).contains(&lines), "{lines} lines for 400 refusals");
    let rest = process.line("refusals without a line of their own");
    assert_eq!(field(&rest, "kind"), Some("unauthenticated"), "{rest}");
    assert!(field(&rest, "dropped").unwrap().parse::<u64>().unwrap() >= 1, "{rest}");
    let metrics = request(&address, "GET", "/metrics", None).1;
    assert!(metrics.contains("dezky_http_refusals_total{code=\"token_missing\"} 400\n"), "{metrics}");
}

#[test]
fn rate_limits_are_told_with_the_address_that_a_trusted_proxy_names() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("DEZKY_ADDRESS_RATE", "1"), ("DEZKY_ADDRESS_BURST", "1"), ("DEZKY_TRUSTED_PROXIES", "127.0.0.1")];
    let (process, address) = serve(folder.path(), &settings);
    for expected in ["token_missing", "rate_limited"] {
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(
            stream,
            "GET /users/me HTTP/1.1\r\nhost: {address}\r\nx-forwarded-for: 192.0.2.7\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        stream.read_to_string(&mut String::new()).unwrap();
        assert_eq!(
            refused(&process),
            (expected.to_owned(), told([None, None, Some("192.0.2.7"), Some("GET"), Some("/users/me")]))
        );
    }
}
