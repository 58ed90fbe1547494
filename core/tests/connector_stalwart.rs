//! The client of Stalwart and its emulator, over a socket: both interfaces, and what goes wrong with them.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "connector_stalwart/answers.rs"]
mod answers;
#[path = "connector_stalwart/faults.rs"]
mod faults;
#[path = "connector_stalwart/life.rs"]
mod life;
#[path = "connector_stalwart/lost.rs"]
mod lost;
#[path = "connector_stalwart/passwords.rs"]
mod passwords;
#[path = "connector_stalwart/releases.rs"]
mod releases;
#[path = "connector_stalwart/traps.rs"]
mod traps;
#[path = "connector_stalwart/traps_before.rs"]
mod traps_before;
#[path = "connector_stalwart/truth.rs"]
mod truth;
#[path = "connector_stalwart/world.rs"]
mod world;
