//! The token policy: what an acceptable token looks like. No I/O.

mod algorithm;
mod verified;

pub use algorithm::{Algorithm, KeyFamily};
pub use verified::{KeyThumbprint, ParseThumbprintError, VerifiedToken};
