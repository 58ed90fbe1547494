//! Tests `dezky migrate` on a real MongoDB-wire server, with documents as years of another service leave them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "migrate/before.rs"]
mod before;
#[path = "migrate/copying.rs"]
mod copying;
#[path = "migrate/database.rs"]
mod database;
#[path = "migrate/interruption.rs"]
mod interruption;
#[path = "migrate/lived_in.rs"]
mod lived_in;
mod support;
#[path = "migrate/upgrading.rs"]
mod upgrading;
#[path = "migrate/values.rs"]
mod values;
