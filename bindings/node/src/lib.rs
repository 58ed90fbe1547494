//! The native addon of `@dezky/sdk`. It only converts types; parts common to other packages are in `dezky-embedded`.
//!
//! Calls are requests to the router of `dezky`, so that a method of the package, `fetch` and the HTTP API behave the
//! same. Failures before a request is made are thrown as JSON, from which the JavaScript creates its errors.
#![allow(missing_debug_implementations, reason = "the macros of napi make types that have none")]

mod answer;
mod failure;
mod platform;
#[cfg(feature = "test-kit")]
pub mod test_kit;
mod tokens;

pub use platform::Platform;
