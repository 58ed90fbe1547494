//! Tests that `kill -9` loses nothing that was acknowledged and leaves nothing half done, and that a request retried
//! across it takes effect once. Killed are processes on one SQLite file, and the database server of a process.
//!
//! `DEZKY_TEST_CRASH_WRITES` sets the number of changes (default: 400; on MongoDB 200).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::print_stderr, reason = "says what was measured")]

mod mongodb;
mod sqlite;
#[path = "../support/mod.rs"]
mod support;
mod writing;
