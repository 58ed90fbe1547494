//! Failures of commands: one line for standard error, and the exit code.

use std::fmt;

use dezky::{Error, ErrorKind, plain::Plain};

/// The failure of a command.
#[derive(Debug)]
pub(crate) struct Failure {
    /// 1 if the work failed, 2 if the command or a setting is invalid, others as in [`exit`].
    pub(crate) exit_code: u8,
    line: String,
    /// Invalid fields of the input, one line each.
    fields: Vec<String>,
}

/// Exit codes that commands choose themselves. Those of errors follow from their kind.
pub(crate) mod exit {
    use dezky::ErrorKind;

    /// The named resource does not exist.
    pub(crate) const NOT_FOUND: u8 = ErrorKind::NotFound.exit_code();
    /// The store or another service does not answer now; the same command may succeed later.
    pub(crate) const UNAVAILABLE: u8 = ErrorKind::Unavailable.exit_code();
    /// It is irreversible and was not confirmed.
    pub(crate) const NOT_CONFIRMED: u8 = 6;
    /// The work is done, but something needs a manual decision.
    #[cfg(feature = "mongodb")]
    pub(crate) const LEFT: u8 = 7;
}

impl Failure {
    fn new(exit_code: u8, line: String) -> Self {
        Self { exit_code, line, fields: Vec::new() }
    }

    /// Creates the failure of an invalid command or setting: exit code 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(2, format!("dezky: {}", message.into()))
    }

    /// Creates the failure of work that could not be done: exit code 1.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(1, format!("dezky: {}", message.into()))
    }

    /// Creates the failure of work that is done, but needs a manual decision: exit code 7.
    #[cfg(feature = "mongodb")]
    pub(crate) fn left(message: impl Into<String>) -> Self {
        Self::new(exit::LEFT, format!("dezky: {}", message.into()))
    }

    /// Creates the failure of a refused token, in the format `code: message` for programs: exit code 1.
    pub(crate) fn refused(code: &str, message: &str) -> Self {
        Self::new(1, format!("{code}: {message}"))
    }

    /// Creates the failure of an irreversible command that was not confirmed.
    pub(crate) fn not_confirmed(message: &str) -> Self {
        Self::new(exit::NOT_CONFIRMED, format!("confirmation_required: {message}"))
    }

    /// Creates a failure without a message, because the reader of standard output is gone.
    fn silent() -> Self {
        Self::new(0, String::new())
    }

    /// Creates the failure of a use case: `code: message`, a line for each invalid field, and an exit code by kind.
    pub(crate) fn of_operation(error: &Error) -> Self {
        let exit_code = error.kind().exit_code();
        // The public message of a failure hides its cause, which an operator needs to see.
        let cause = std::error::Error::source(error).filter(|_| matches!(exit_code, 1 | exit::UNAVAILABLE));
        let line = match cause.and_then(|cause| news(cause, error.message())) {
            Some(cause) => format!("{}: {}: {cause}", error.code(), error.message()),
            None => format!("{}: {}", error.code(), error.message()),
        };
        let field = |bad: &dezky::FieldError| format!("{}: {}: {}", bad.field, bad.code, bad.message);
        Self { exit_code, line, fields: error.fields().iter().map(field).collect() }
    }

    /// Does the same, and names the missing resource.
    pub(crate) fn of_missing(error: &Error, what: impl FnOnce() -> String) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::new(exit::NOT_FOUND, format!("{}: {}", error.code(), what())),
            _ => Self::of_operation(error),
        }
    }

    /// Returns `true` if there is nothing to print on standard error.
    pub(crate) fn is_silent(&self) -> bool {
        self.line.is_empty()
    }
}

impl fmt::Display for Failure {
    /// Prints one line, and one more for each invalid field, even if texts contain line breaks.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        write!(formatter, "{}", Plain(one_line(&self.line)))?;
        self.fields.iter().try_for_each(|field| write!(formatter, "\n  {}", Plain(one_line(field))))
    }
}

/// Returns the information of a cause that is not in the message before it.
fn news(cause: &dyn std::error::Error, message: &str) -> Option<String> {
    let text = cause.to_string();
    match text.strip_prefix("the store is not available: ") {
        Some(why) => Some(why.to_owned()),
        None => Some(text).filter(|text| text != message),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit_code = match error.kind() {
            ErrorKind::Configuration => return Self::usage(error.message()),
            ErrorKind::Unavailable | ErrorKind::RateLimited => exit::UNAVAILABLE,
            _ => 1,
        };
        // The public message of a bug hides its cause, which an operator needs to see.
        let line = match std::error::Error::source(&error).and_then(|cause| news(cause, error.message())) {
            Some(cause) => format!("dezky: {}: {cause}", error.message()),
            None => format!("dezky: {}", error.message()),
        };
        Self::new(exit_code, line)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::silent(),
            _ => Self::failed(error.to_string()),
        }
    }
}
