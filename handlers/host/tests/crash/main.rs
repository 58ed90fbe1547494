//! `kill -9` loses nothing that was acknowledged, leaves nothing half done, and a request that is sent again across it has one
//! effect: of the processes on one SQLite file, and of the database server under a process.
//!
//! `DEZKY_TEST_CRASH_WRITES` says how many changes are made (400; on MongoDB 200).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::print_stderr, reason = "says what was measured")]

mod mongodb;
mod sqlite;
#[path = "../support/mod.rs"]
mod support;
mod writing;
