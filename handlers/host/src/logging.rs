//! Logs: to standard error, as the settings say.

use crate::{configuration::LogSettings, failure::Failure};

/// Starts to log.
///
/// # Errors
/// When something logs already: a defect.
pub(crate) fn start(settings: &LogSettings) -> Result<(), Failure> {
    if settings.start()? { Ok(()) } else { Err(Failure::failed("logging cannot be started: something logs already")) }
}
