//! A busy server with its store and callers, and checks of its answers.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    time::{Duration, Instant},
};

use super::{Process, await_ready, dev, dezky_under, request};

/// Longest time for an answer: the API's own limit, and some margin for slow machines.
const LIMIT: Duration = Duration::from_secs(45);

/// Error codes of a store that does not answer.
pub(crate) const STORE: &[&str] = &["store_unavailable", "store_timeout"];

/// An issuer, with an administrator's token.
pub(crate) struct Issuer {
    _process: Process,
    url: String,
    pub(crate) admin: String,
}

impl Issuer {
    pub(crate) fn start(folder: &Path) -> Self {
        let (process, _, _, admin) = dev(folder);
        let url = std::fs::read_to_string(folder.join(".dezky/issuer-url")).unwrap();
        Self { _process: process, url: url.trim().to_owned(), admin }
    }
}

pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) address: String,
    pub(crate) admin: String,
    _issuer: Option<Issuer>,
}

/// Starts a server with its own issuer, and waits until it is ready and knows the administrator.
pub(crate) fn serve(folder: &Path, store: &str, settings: &[(&str, &str)]) -> Server {
    let issuer = Issuer::start(folder);
    let mut server = start(&[], folder, store, &issuer, settings);
    await_ready(&server.address, true);
    assert_eq!(request(&server.address, "GET", "/users/me", Some(&server.admin)).0, 200);
    server._issuer = Some(issuer);
    server
}

/// Starts a server, run by a wrapper command if there is one.
pub(crate) fn start(
    wrapper: &[&str],
    folder: &Path,
    store: &str,
    issuer: &Issuer,
    settings: &[(&str, &str)],
) -> Server {
    let mut command = dezky_under(wrapper, folder);
    command.args(["serve", "--listen", "127.0.0.1:0", "--store", store, "--oidc-issuer", &issuer.url]);
    command.args(["--oidc-audience", "dezky", "--platform-admin-group", "dezky-platform-admins"]);
    command.env("DEZKY_CALLER_RATE", "off").env("DEZKY_ADDRESS_RATE", "off").envs(settings.iter().copied());
    let process = Process::start(command);
    let line = process.line("listening address=");
    let address = line.split("address=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    Server { process, address, admin: issuer.admin.clone(), _issuer: None }
}

/// Sends a request to create a tenant, and returns head and body of the answer.
pub(crate) fn create(address: &str, token: &str, slug: &str) -> (String, String) {
    let body = format!(r#"{{"slug":"{slug}","name":"{slug}"}}"#);
    exchange(
        address,
        &format!(
            "POST /tenants HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nidempotency-key: {slug}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ),
    )
}

pub(crate) fn read(address: &str, token: &str) -> (String, String) {
    let line = format!("authorization: Bearer {token}\r\nconnection: close");
    exchange(address, &format!("GET /tenants/dezky HTTP/1.1\r\nhost: {address}\r\n{line}\r\n\r\n"))
}

fn exchange(address: &str, text: &str) -> (String, String) {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(begun.elapsed() < LIMIT, "a request hung");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

pub(crate) fn status(answer: &(String, String)) -> u16 {
    answer.0.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Asserts that an answer is a temporary failure with a time to retry.
pub(crate) fn assert_for_now(answer: &(String, String), codes: &[&str]) {
    assert_eq!(status(answer), 503, "{answer:?}");
    assert!(answer.0.contains("\r\nretry-after: ") && answer.0.contains("application/problem+json"), "{}", answer.0);
    let problem: serde_json::Value = serde_json::from_str(&answer.1).unwrap();
    assert!(codes.contains(&problem["code"].as_str().unwrap()), "{problem:#}");
}
