//! Logs: to standard error, as the settings say.

use std::io::IsTerminal as _;

use crate::{
    configuration::{LogFormat, LogSettings, log_filter},
    failure::Failure,
};

/// Starts to log.
///
/// # Errors
/// When something logs already: a defect.
pub(crate) fn start(settings: &LogSettings) -> Result<(), Failure> {
    let filter = log_filter(&settings.filter).map_err(|error| Failure::usage(error.to_string()))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
    };
    started.map_err(|error| Failure::failed(format!("logging cannot be started: {error}")))
}
