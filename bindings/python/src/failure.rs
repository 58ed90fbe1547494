//! Errors for Python.

use dezky::Error;
use pyo3::{PyErr, create_exception, exceptions::PyException};

create_exception!(dezky._native, Failure, PyException, "An error as JSON.");

/// Returns the exception to raise.
pub(crate) fn raised(error: &Error) -> PyErr {
    PyErr::new::<Failure, _>(dezky_embedded::json(error, None))
}
