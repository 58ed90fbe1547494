//! The systems behind tenants: they are set up, kept, suspended and removed, whatever fails on the way.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "workspace/by_hand.rs"]
mod by_hand;
#[path = "workspace/convergence.rs"]
mod convergence;
#[path = "workspace/drift.rs"]
mod drift;
#[path = "workspace/dry_run.rs"]
mod dry_run;
#[path = "workspace/life.rs"]
mod life;
#[path = "workspace/login.rs"]
mod login;
#[path = "workspace/mistakes.rs"]
mod mistakes;
#[path = "workspace/passwords.rs"]
mod passwords;
#[path = "workspace/records.rs"]
mod records;
mod support;
#[path = "workspace/workers.rs"]
mod workers;
#[path = "workspace/world.rs"]
mod world;
