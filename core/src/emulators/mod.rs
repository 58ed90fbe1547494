//! Emulators of the systems behind a tenant, for development and tests.
//!
//! Each keeps its state in memory and answers as the real system does: a test replays recorded exchanges against it.
//! `dezky dev` runs them, so that a tenant comes to life without any of the systems.

pub mod authentik;
mod faults;
pub mod ocis;
mod server;
pub mod smtp;
pub mod stalwart;
pub mod stripe;

pub use faults::{Fault, Faults};
pub use server::{Emulated, Emulator, EmulatorOptions, Exchange};
