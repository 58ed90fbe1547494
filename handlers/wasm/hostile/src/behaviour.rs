//! Behaviours of a broken or hostile component.
#![allow(clippy::panic, clippy::disallowed_methods, reason = "this is what is tested")]

use std::{hint::black_box, net::TcpStream, time::Duration};

use http::{HeaderMap, Uri};
use serde_json::json;

use crate::platform::{identity, store, telemetry};

/// Computes forever.
pub(crate) fn spin() -> String {
    let mut number = 1_u64;
    loop {
        number = black_box(number.wrapping_mul(3));
        if number == 0 {
            return String::new();
        }
    }
}

/// Panics.
pub(crate) fn trap() -> String {
    panic!("told to")
}

/// Allocates memory forever.
pub(crate) fn memory() -> String {
    let mut taken = Vec::new();
    loop {
        taken.push(vec![1_u8; 1024 * 1024]);
        black_box(&taken);
    }
}

/// Sleeps longer than a request may take.
pub(crate) fn sleep() -> String {
    std::thread::sleep(Duration::from_secs(3_600));
    String::new()
}

/// Computes forever, with occasional log lines to the host.
pub(crate) fn chatter() -> String {
    loop {
        for number in 0..1_000_u32 {
            black_box(number);
        }
        telemetry::log(telemetry::Level::Detail, "on and on");
    }
}

/// Computes forever, with occasional reads.
pub(crate) async fn browse() -> String {
    let _caller = identity::caller().await;
    loop {
        for number in 0..1_000_000_u32 {
            black_box(number);
        }
        let _found = store::get("users".to_owned(), "0".repeat(24)).await;
    }
}

/// Reports everything that it can see and reach.
pub(crate) async fn surroundings(headers: &HeaderMap, uri: &Uri) -> String {
    let names: Vec<&str> = headers.keys().map(http::HeaderName::as_str).collect();
    let trace = headers.get("traceparent").and_then(|value| value.to_str().ok());
    let port = parameter(uri, "port").unwrap_or_else(|| "1".to_owned());
    let connected = TcpStream::connect(format!("127.0.0.1:{port}")).is_ok();
    let bound = std::net::TcpListener::bind("127.0.0.1:0").is_ok();
    let variables: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
    let listed = std::fs::read_dir("/").is_ok() || std::fs::read_dir(".").is_ok();
    let read = std::fs::read("/etc/hostname").is_ok();
    json!({
        "headers": names, "trace": trace, "connected": connected, "bound": bound, "variables": variables,
        "arguments": std::env::args().count(), "listed": listed, "read": read,
    })
    .to_string()
}

/// Sends an HTTP request.
pub(crate) async fn fetch() -> String {
    spin_sdk::http::get("http://127.0.0.1:9/").await.is_ok().to_string()
}

/// Asks for the caller, then reads the user `id` `count` times, and answers how often it got one.
pub(crate) async fn calls(uri: &Uri) -> String {
    let text = |name: &str| parameter(uri, name).unwrap_or_default();
    let (count, id) = (text("count").parse::<u32>().unwrap_or_default(), text("id"));
    let mut got = 0_u32;
    if identity::caller().await.is_ok() {
        for _ in 0..count {
            if let Ok(Some(_)) = store::get("users".to_owned(), id.clone()).await {
                got += 1;
            }
        }
    }
    got.to_string()
}

/// Returns a decoded parameter of the query.
pub(crate) fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next()?;
    percent_encoding::percent_decode_str(value).decode_utf8().ok().map(Into::into)
}
