//! Billing through an emulated Stripe, over real sockets: from a checkout to a cancelled plan, and events in any order.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "billing/events.rs"]
mod events;
#[path = "billing/links.rs"]
mod links;
#[path = "billing/replay.rs"]
mod replay;
mod support;
#[path = "billing/world.rs"]
mod world;
