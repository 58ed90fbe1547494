//! Changes whose outcome can be verified later.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read as _, Write as _},
    net::TcpStream,
};

/// Returns the number of changes to make.
pub(crate) fn writes(usually: usize) -> usize {
    std::env::var("DEZKY_TEST_CRASH_WRITES").map_or(usually, |count| count.parse().unwrap())
}

/// Creates the tenant of this number. Returns the head of the answer; `None` if the connection broke.
pub(crate) fn create(address: &str, token: &str, number: usize) -> Option<String> {
    let body = format!(r#"{{"slug":"tenant-{number}","name":"Tenant {number}"}}"#);
    send((address, token), "POST /tenants", &format!("idempotency-key: key-{number}\r\n"), &body)
}

/// Sends a request with additional header lines. Returns the head of the answer; `None` if the connection broke.
pub(crate) fn send((address, token): (&str, &str), request: &str, lines: &str, body: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(
        stream,
        "{request} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n{lines}\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split_once("\r\n\r\n").map(|(head, _)| head.to_owned())
}

/// Asserts that each tenant has exactly one creation event in the audit trail and vice versa, and returns their ids by
/// slug.
pub(crate) fn whole(
    tenants: impl IntoIterator<Item = (String, String)>,
    created: impl IntoIterator<Item = String>,
) -> BTreeMap<String, String> {
    let tenants: BTreeMap<_, _> = tenants.into_iter().collect();
    let mut created: Vec<String> = created.into_iter().collect();
    created.sort();
    let mut ids: Vec<String> = tenants.values().cloned().collect();
    ids.sort();
    assert_eq!(ids, created, "tenants, and the events of their creation");
    tenants
}

/// Asserts that nothing acknowledged is missing, and that retried requests took effect once.
pub(crate) fn assert_nothing_lost_or_doubled(
    acknowledged: &BTreeSet<usize>,
    writes: usize,
    (address, token): (&str, &str),
    tenants: impl Fn() -> BTreeMap<String, String>,
) {
    let after = tenants();
    let missing: Vec<_> =
        acknowledged.iter().filter(|number| !after.contains_key(&format!("tenant-{number}"))).collect();
    assert!(missing.is_empty(), "acknowledged and lost: {missing:?}");
    for number in 0..writes {
        let head = create(address, token, number).unwrap();
        assert!(head.starts_with("HTTP/1.1 201"), "{number} sent again: {head}");
        let replayed = head.contains("idempotency-replayed: true");
        assert_eq!(replayed, after.contains_key(&format!("tenant-{number}")), "{number} sent again: {head}");
    }
    let all = tenants();
    assert_eq!(all.len(), writes + 1, "all, and the tenant of the platform");
    for (slug, id) in &after {
        assert_eq!(all.get(slug), Some(id), "{slug} was made anew");
    }
}
