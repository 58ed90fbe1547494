//! Why a command ends without success: one line for standard error, and the exit code.

use std::fmt;

use dezky::{Error, ErrorKind};

/// Why a command ends without success.
#[derive(Debug)]
pub(crate) struct Failure {
    /// 1 when the work could not be done, 2 when the command or a setting is wrong, 3 when something is left to a person.
    pub(crate) exit_code: u8,
    line: String,
}

impl Failure {
    /// The command or a setting is wrong: exit code 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit_code: 2, line: format!("dezky: {}", message.into()) }
    }

    /// The work could not be done: exit code 1.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { exit_code: 1, line: format!("dezky: {}", message.into()) }
    }

    /// The work is done and something is left to a person: exit code 3.
    pub(crate) fn left(message: impl Into<String>) -> Self {
        Self { exit_code: 3, line: format!("dezky: {}", message.into()) }
    }

    /// A token was refused: `code: message`, for programs to read; exit code 1.
    pub(crate) fn refused(code: &str, message: &str) -> Self {
        Self { exit_code: 1, line: format!("{code}: {message}") }
    }
}

impl fmt::Display for Failure {
    /// Always one line, whatever a library said.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.line.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Configuration => Self::usage(error.message()),
            // The public message of a defect hides its cause, which an operator needs.
            _ => match std::error::Error::source(&error) {
                Some(cause) if cause.to_string() != error.message() => {
                    Self::failed(format!("{}: {cause}", error.message()))
                }
                _ => Self::failed(error.message()),
            },
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::failed(error.to_string())
    }
}
