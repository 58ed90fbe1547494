//! Why a command ends without success: one line for standard error, and the exit code.

use std::fmt;

use dezky::{Error, ErrorKind, plain::Plain};

/// Why a command ends without success.
#[derive(Debug)]
pub(crate) struct Failure {
    /// 1 when the work could not be done, 2 when the command or a setting is wrong, others as in [`exit`].
    pub(crate) exit_code: u8,
    line: String,
    /// Bad fields of the input, a line each.
    fields: Vec<String>,
}

/// Exit codes that commands choose themselves. Those of errors follow from their kind.
pub(crate) mod exit {
    use dezky::ErrorKind;

    /// There is nothing of that name.
    pub(crate) const NOT_FOUND: u8 = ErrorKind::NotFound.exit_code();
    /// The store or something else does not answer now; the same command may succeed later.
    pub(crate) const UNAVAILABLE: u8 = ErrorKind::Unavailable.exit_code();
    /// It cannot be undone and was not confirmed.
    pub(crate) const NOT_CONFIRMED: u8 = 6;
    /// The work is done, and something is left for a person to decide.
    #[cfg(feature = "mongodb")]
    pub(crate) const LEFT: u8 = 7;
}

impl Failure {
    fn new(exit_code: u8, line: String) -> Self {
        Self { exit_code, line, fields: Vec::new() }
    }

    /// The command or a setting is wrong: exit code 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(2, format!("dezky: {}", message.into()))
    }

    /// The work could not be done: exit code 1.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(1, format!("dezky: {}", message.into()))
    }

    /// The work is done and something is left to a person: exit code 7.
    #[cfg(feature = "mongodb")]
    pub(crate) fn left(message: impl Into<String>) -> Self {
        Self::new(exit::LEFT, format!("dezky: {}", message.into()))
    }

    /// A token was refused: `code: message`, for programs to read; exit code 1.
    pub(crate) fn refused(code: &str, message: &str) -> Self {
        Self::new(1, format!("{code}: {message}"))
    }

    /// What cannot be undone was not confirmed.
    pub(crate) fn not_confirmed(message: &str) -> Self {
        Self::new(exit::NOT_CONFIRMED, format!("confirmation_required: {message}"))
    }

    /// Nothing more has to be said, because nobody reads on: the reader of standard output has gone.
    fn silent() -> Self {
        Self::new(0, String::new())
    }

    /// A use case refused or failed: `code: message`, a line for each bad field, and an exit code by kind.
    pub(crate) fn of_operation(error: &Error) -> Self {
        let exit_code = error.kind().exit_code();
        // The public message of a failure hides its cause, which an operator needs.
        let cause = std::error::Error::source(error).filter(|_| matches!(exit_code, 1 | exit::UNAVAILABLE));
        let line = match cause.and_then(|cause| news(cause, error.message())) {
            Some(cause) => format!("{}: {}: {cause}", error.code(), error.message()),
            None => format!("{}: {}", error.code(), error.message()),
        };
        let field = |bad: &dezky::FieldError| format!("{}: {}: {}", bad.field, bad.code, bad.message);
        Self { exit_code, line, fields: error.fields().iter().map(field).collect() }
    }

    /// The same where something is not there: it says what.
    pub(crate) fn of_missing(error: &Error, what: impl FnOnce() -> String) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::new(exit::NOT_FOUND, format!("{}: {}", error.code(), what())),
            _ => Self::of_operation(error),
        }
    }

    /// What is to be said on standard error, if anything.
    pub(crate) fn is_silent(&self) -> bool {
        self.line.is_empty()
    }
}

impl fmt::Display for Failure {
    /// Always one line and one more for each bad field, whatever a library or a name says.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        write!(formatter, "{}", Plain(one_line(&self.line)))?;
        self.fields.iter().try_for_each(|field| write!(formatter, "\n  {}", Plain(one_line(field))))
    }
}

/// What a cause says beyond the message before it.
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
        // The public message of a defect hides its cause, which an operator needs.
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
