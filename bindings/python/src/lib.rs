//! The native module of the Python package `dezky`. It only converts types; parts common to other packages are in
//! `dezky-embedded`.
//!
//! The GIL is released around all work. Failures before a request is made are raised as `Failure` with JSON, from which
//! the Python code creates its errors.
#![allow(missing_debug_implementations, reason = "the macros of pyo3 make types that have none")]

mod answer;
mod calling;
mod failure;
mod functions;
mod platform;
mod started;
#[cfg(feature = "test-kit")]
mod test_kit;
mod token;

use pyo3::prelude::*;

/// The native part of the package. Use `dezky` instead.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::failure::Failure;
    #[pymodule_export]
    use crate::functions::{check_actor, check_input, copy_store, fingerprint, settings};
    #[pymodule_export]
    use crate::platform::Platform;
    #[pymodule_export]
    use crate::started::Started;
    #[cfg(feature = "test-kit")]
    #[pymodule_export]
    use crate::test_kit::test_kit;
    #[pymodule_export]
    use crate::token::VerifiedToken;
}
