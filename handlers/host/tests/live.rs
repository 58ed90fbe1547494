//! Answers that go on: a workspace as server-sent events, over a real socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::Value;
use support::{dev, dev_with, json, request};

/// Time within which an event has to come; the test fails after it.
const PATIENCE: Duration = Duration::from_secs(30);

/// An event, or a comment.
#[derive(Debug, Default, PartialEq)]
struct Event {
    name: String,
    id: String,
    retry: String,
    comment: String,
    data: String,
}

impl Event {
    fn document(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

/// A client of events over HTTP/1.1 with chunks.
struct Client {
    reader: BufReader<TcpStream>,
    head: String,
    text: String,
}

impl Client {
    fn open(address: &str, path: &str, token: &str, lines: &str) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\naccept: text/event-stream\r\n\
             {lines}\r\n"
        )
        .unwrap();
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
        }
        Self { reader, head: head.to_lowercase(), text: String::new() }
    }

    /// Returns the next event; `None` at the end of the stream.
    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let read = parsed(event);
                self.text = rest.to_owned();
                return Some(read);
            }
            let mut length = String::new();
            self.reader.read_line(&mut length).unwrap();
            let length = usize::from_str_radix(length.trim(), 16).unwrap();
            let mut chunk = vec![0; length + 2];
            self.reader.read_exact(&mut chunk).unwrap();
            if length == 0 {
                assert_eq!(self.text, "", "the last event is whole");
                return None;
            }
            self.text.push_str(std::str::from_utf8(&chunk[..length]).unwrap());
        }
    }
}

fn parsed(text: &str) -> Event {
    let mut event = Event::default();
    for line in text.lines() {
        let (field, value) = line.split_once(':').unwrap();
        let value = value.trim_start().to_owned();
        match field {
            "event" => event.name = value,
            "id" => event.id = value,
            "retry" => event.retry = value,
            "data" => event.data = value,
            "" => event.comment = value,
            _ => panic!("{text}"),
        }
    }
    event
}

fn create(address: &str, admin: &str, slug: &str) {
    let mut stream = TcpStream::connect(address).unwrap();
    let body = format!(r#"{{"slug":"{slug}","name":"{slug}"}}"#);
    write!(
        stream,
        "POST /tenants HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {admin}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}

#[test]
fn a_tenant_comes_to_life_before_the_eyes_of_the_client() {
    let folder = tempfile::tempdir().unwrap();
    let (_process, address, _, admin) = dev_with(folder.path(), &[]);
    create(&address, &admin, "acme");
    let mut client = Client::open(&address, "/tenants/acme/workspace", &admin, "");
    assert!(client.head.starts_with("http/1.1 200 ") && client.head.contains("content-type: text/event-stream"));
    assert!(client.head.contains("cache-control: private, no-store"), "{}", client.head);
    let first = client.next().unwrap();
    assert_eq!((first.name.as_str(), first.retry.as_str()), ("workspace", "2000"));
    let mut seen = vec![first];
    while seen.last().unwrap().document()["ready"] != true {
        let event = client.next().expect("it goes on until all is ready");
        assert!(event.name == "workspace" && event.id != seen.last().unwrap().id, "{event:?}");
        seen.push(event);
    }
    assert!(seen.len() > 1, "{seen:?}");
    let shown = json(&request(&address, "GET", "/tenants/acme/workspace", Some(&admin)));
    assert_eq!(shown["ready"], true);
    // A client that comes back with what it has seen is told nothing new.
    let last = seen.last().unwrap();
    let mut again =
        Client::open(&address, "/tenants/acme/workspace", &admin, &format!("last-event-id: {}\r\n", last.id));
    let first = again.next().unwrap();
    assert_eq!((first.comment.as_str(), first.retry.as_str(), first.data.as_str()), ("unchanged", "2000", ""));
}

#[test]
fn a_revoked_right_ends_the_stream_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let (_process, address, person, admin) = dev_with(folder.path(), &[]);
    let profile = json(&request(&address, "GET", "/users/me", Some(&person)));
    assert_eq!(request(&address, "GET", "/users/me", Some(&admin)).0, 200);
    let mut client = Client::open(&address, "/tenants/dezky/workspace", &person, "");
    assert_eq!(client.next().unwrap().name, "workspace");
    let member = format!("/tenants/dezky/members/{}", profile["user"]["id"].as_str().unwrap());
    assert_eq!(request(&address, "DELETE", &member, Some(&admin)).0, 204);
    let problem = loop {
        let event = client.next().expect("the reason comes before the end");
        if event.name == "problem" {
            break event.document();
        }
    };
    assert_eq!((problem["status"].as_u64(), problem["code"].as_str()), (Some(404), Some("not_found")));
    assert_eq!(client.next(), None);
    // What one may not see is absent from the beginning, as an answer like any other.
    let refused = Client::open(&address, "/tenants/dezky/workspace", &person, "connection: close\r\n");
    assert!(refused.head.starts_with("http/1.1 404 ") && refused.head.contains("application/problem+json"));
}

#[test]
fn open_streams_do_not_hold_up_the_end_of_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let (mut process, address, person, _) = dev(folder.path());
    let mut clients: Vec<Client> = (0..5)
        .map(|_| {
            let mut client = Client::open(&address, "/tenants/dezky/workspace", &person, "");
            assert_eq!(client.next().unwrap().name, "workspace");
            client
        })
        .collect();
    let begun = Instant::now();
    process.terminate();
    assert_eq!(process.wait().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(20), "requests under way would be given 25 s");
    for client in &mut clients {
        assert_eq!(client.next(), None, "it ends whole");
    }
}

#[test]
fn streams_are_bounded_and_take_no_place_of_other_requests() {
    let folder = tempfile::tempdir().unwrap();
    let (_process, address, person, _) = dev(folder.path());
    let mut open = Vec::new();
    let refused = loop {
        let mut client = Client::open(&address, "/tenants/dezky/workspace", &person, "");
        if client.head.starts_with("http/1.1 503 ") {
            break client;
        }
        assert_eq!(client.next().unwrap().name, "workspace");
        open.push(client);
        assert!(open.len() <= 512, "there is a bound");
    };
    assert!(refused.head.contains("retry-after: 1"), "{}", refused.head);
    assert_eq!(open.len(), 512);
    assert_eq!(request(&address, "GET", "/users/me", Some(&person)).0, 200);
    // A client that goes away gives its place back.
    open.truncate(500);
    let end = Instant::now() + PATIENCE;
    while Client::open(&address, "/tenants/dezky/workspace", &person, "").head.starts_with("http/1.1 503 ") {
        assert!(Instant::now() < end, "places come back");
    }
}

#[test]
fn an_operator_follows_events_as_they_happen() {
    let folder = tempfile::tempdir().unwrap();
    let (_dev, address, _, admin) = dev_with(folder.path(), &["--no-systems", "--data", "data"]);
    let mut command = support::dezky(folder.path());
    command.env("DEZKY_STORE", "sqlite:data/dezky.sqlite");
    command.args(["events", "--follow", "--type", "tenant.create"]);
    let follow = support::Process::start(command);
    // Its headings come once it knows the end of the log.
    follow.line("CHANGED");
    for slug in ["first", "second"] {
        let body = serde_json::json!({ "slug": slug, "name": "A" });
        let created = support::send([127, 0, 0, 1], &address, "POST", "/tenants", &admin, &body);
        assert_eq!(created.0, 201, "{created:?}");
        let id = json(&created)["id"].as_str().unwrap().to_owned();
        assert!(follow.line(&id).contains("tenant.create"));
    }
}
