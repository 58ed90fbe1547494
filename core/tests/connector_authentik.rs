//! The client of Authentik against the emulator, and the emulator against Authentik's OpenAPI documents.
#![cfg(feature = "development-issuer")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "connector_authentik/document.rs"]
mod document;
#[path = "connector_authentik/faults.rs"]
mod faults;
#[path = "connector_authentik/groups.rs"]
mod groups;
#[path = "connector_authentik/lists.rs"]
mod lists;
#[path = "connector_authentik/login_drift.rs"]
mod login_drift;
#[path = "connector_authentik/logins.rs"]
mod logins;
#[path = "connector_authentik/people.rs"]
mod people;
#[path = "connector_authentik/refusals.rs"]
mod refusals;
#[path = "connector_authentik/releases.rs"]
mod releases;
#[path = "connector_authentik/schema.rs"]
mod schema;
#[path = "connector_authentik/world.rs"]
mod world;
