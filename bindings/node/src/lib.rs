//! The addon of `@dezky/sdk`: what the JavaScript of the package calls. There is nothing here but conversions: what it
//! has in common with other packages is in `dezky-embedded`.
//!
//! Calls are requests to the router of `dezky`, so that a method of the package, `fetch` and the HTTP API are one behaviour.
//! Failures before a request is made are thrown as JSON, of which the JavaScript makes its errors.
#![allow(missing_debug_implementations, reason = "the macros of napi make types that have none")]

mod answer;
mod failure;
mod platform;
#[cfg(feature = "test-kit")]
pub mod test_kit;
mod tokens;

pub use platform::Platform;
