//! An emulator of Lambda's Runtime API, and of the call that invokes a function.
//!
//! After <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html> (2018-06-01) and the `Invoke` call (2015-03-31).
#![allow(dead_code, reason = "each test uses a part")]

pub(crate) mod emulator;
pub(crate) mod event;
