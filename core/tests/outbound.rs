//! The outbound client over sockets: what it connects to, what it sends where, what it accepts, and when it tries again.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "outbound/answers.rs"]
mod answers;
#[path = "outbound/destinations.rs"]
mod destinations;
#[path = "outbound/limits.rs"]
mod limits;
#[path = "outbound/origins.rs"]
mod origins;
#[path = "outbound/retries.rs"]
mod retries;
#[path = "outbound/server.rs"]
mod server;
