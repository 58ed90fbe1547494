//! What a broken or hostile component may do to its host.
#![allow(clippy::panic, clippy::disallowed_methods, reason = "this is what is tested")]

use std::{hint::black_box, net::TcpStream, time::Duration};

use http::HeaderMap;
use serde_json::json;

use crate::platform::{identity, store};

/// Computes for ever.
pub(crate) fn spin() -> String {
    let mut number = 1_u64;
    loop {
        number = black_box(number.wrapping_mul(3));
        if number == 0 {
            return String::new();
        }
    }
}

/// Breaks off.
pub(crate) fn trap() -> String {
    panic!("told to")
}

/// Takes memory for ever.
pub(crate) fn memory() -> String {
    let mut taken = Vec::new();
    loop {
        taken.push(vec![1_u8; 1024 * 1024]);
        black_box(&taken);
    }
}

/// Waits for longer than a request may take.
pub(crate) fn sleep() -> String {
    std::thread::sleep(Duration::from_secs(3_600));
    String::new()
}

/// Tells what it can see and reach.
pub(crate) async fn surroundings(headers: &HeaderMap) -> String {
    let names: Vec<&str> = headers.keys().map(http::HeaderName::as_str).collect();
    let port = headers.get("x-port").and_then(|port| port.to_str().ok()).unwrap_or("1");
    let connected = TcpStream::connect(format!("127.0.0.1:{port}")).is_ok();
    let bound = std::net::TcpListener::bind("127.0.0.1:0").is_ok();
    let fetched = spin_sdk::http::get(format!("http://127.0.0.1:{port}/")).await.is_ok();
    let variables: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
    let listed = std::fs::read_dir("/").is_ok() || std::fs::read_dir(".").is_ok();
    let read = std::fs::read("/etc/hostname").is_ok();
    json!({
        "headers": names, "connected": connected, "bound": bound, "fetched": fetched, "variables": variables,
        "arguments": std::env::args().count(), "listed": listed, "read": read,
    })
    .to_string()
}

/// Asks who is calling, and `x-count` times for the user `x-id`; answers how often it got one.
pub(crate) async fn calls(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (count, id) = (text("x-count").parse::<u32>().unwrap_or_default(), text("x-id"));
    let mut got = 0_u32;
    if identity::caller().await.is_ok() {
        for _ in 0..count {
            if let Ok(Some(_)) = store::get("users".to_owned(), id.to_owned()).await {
                got += 1;
            }
        }
    }
    got.to_string()
}
