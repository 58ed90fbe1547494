//! Logging to standard error, by the settings.

use crate::{configuration::LogSettings, failure::Failure};

/// Starts logging.
///
/// # Errors
/// When logging has already been started, which is a bug.
pub(crate) fn start(settings: &LogSettings) -> Result<(), Failure> {
    if settings.start()? { Ok(()) } else { Err(Failure::failed("logging cannot be started: something logs already")) }
}
