//! Tests the MongoDB store's promises: those of the port, and its own.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "support/every_read.rs"]
mod every_read;
#[path = "mongodb_store/fixture.rs"]
mod fixture;
#[path = "mongodb_store/legacy.rs"]
mod legacy;
#[path = "mongodb_store/plans.rs"]
mod plans;
#[path = "mongodb_store/proxy.rs"]
mod proxy;
#[path = "mongodb_store/recovery.rs"]
mod recovery;
#[path = "mongodb_store/round_trips.rs"]
mod round_trips;

use fixture::fixture;

dezky::store_conformance!(fixture);
