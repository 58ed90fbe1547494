//! Components under test: the shared cases through our own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod artefact;
mod bounds;
mod cases;
mod lock;
mod stage;
mod world;
