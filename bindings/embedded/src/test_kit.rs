//! Runs the shared cases through a package: a process of the other language opens the store that the case has filled,
//! and answers lines of JSON with lines of JSON. Both processes have the store open at the same time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::print_stdout, reason = "it is its own harness")]

mod cases;
mod process;

pub use cases::run_cases;
