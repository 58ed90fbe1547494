//! Functions for tests only: a clock that stands still, and a call that panics.

use std::sync::{Arc, Mutex, PoisonError};

use dezky::{clock::Timestamp, test_kit::ManualClock};
use dezky_embedded::Options;
use pyo3::prelude::*;

use crate::{
    calling::{wait, within},
    failure::raised,
    platform::Platform,
};

/// The clocks of all platforms opened by [`open_at`], in that order.
static CLOCKS: Mutex<Vec<Arc<ManualClock>>> = Mutex::new(Vec::new());

/// Opens a platform with these options (JSON) and a clock that stands at this instant, in milliseconds since 1970.
#[pyfunction]
pub(crate) fn open_at(py: Python<'_>, options: &str, milliseconds: i64) -> PyResult<Platform> {
    let open = || {
        let clock = Arc::new(ManualClock::at(Timestamp::from_milliseconds(milliseconds)));
        CLOCKS.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&clock));
        Platform::new(Options::parse(options)?, clock)
    };
    py.detach(open).map_err(|error| raised(&error))
}

/// Sets the clocks of all platforms opened by [`open_at`].
#[pyfunction]
pub(crate) fn set_time(milliseconds: i64) {
    for clock in CLOCKS.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        clock.set(Timestamp::from_milliseconds(milliseconds));
    }
}

/// Panics, as a bug would.
#[pyfunction]
#[allow(clippy::panic, reason = "what this is for")]
pub(crate) fn panic(py: Python<'_>) -> PyResult<()> {
    wait(py, within(None, async { panic!("a test asked for it") }))
}

/// Functions for tests only.
#[pymodule]
pub(crate) mod test_kit {
    #[pymodule_export]
    use super::{open_at, panic, set_time};
}
