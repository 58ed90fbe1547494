//! The native module of the Python package `dezky`: what the Python of the package calls. There is nothing here but
//! conversions: what it has in common with other packages is in `dezky-embedded`.
//!
//! The GIL is released around all work. Failures before a request is made are raised as `Failure` with JSON, of which the
//! Python makes its errors.
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

/// The native part of the package. Use `dezky`.
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
