//! The client of ownCloud Infinite Scale against its emulator, and the emulator against recordings of the real system.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "connector_ocis/absence.rs"]
mod absence;
#[path = "connector_ocis/diagnosis.rs"]
mod diagnosis;
#[path = "connector_ocis/faults.rs"]
mod faults;
#[path = "connector_ocis/grants.rs"]
mod grants;
#[path = "connector_ocis/groups.rs"]
mod groups;
#[path = "connector_ocis/life.rs"]
mod life;
#[path = "connector_ocis/pattern.rs"]
mod pattern;
#[path = "connector_ocis/replay.rs"]
mod replay;
#[path = "connector_ocis/spaces.rs"]
mod spaces;
#[path = "connector_ocis/stage.rs"]
mod stage;
#[path = "connector_ocis/updates.rs"]
mod updates;
