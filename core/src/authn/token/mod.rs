//! The token policy: what an acceptable token looks like. No I/O.

mod verified;

pub use verified::{KeyThumbprint, ParseThumbprintError, VerifiedToken};
