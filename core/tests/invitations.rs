//! Invitations from their creation through a real mail server to their acceptance.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "invitations/accepting.rs"]
mod accepting;
#[path = "invitations/mailing.rs"]
mod mailing;
#[path = "invitations/smtp.rs"]
mod smtp;
mod support;
#[path = "invitations/world.rs"]
mod world;
