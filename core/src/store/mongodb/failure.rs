//! Translates errors of the driver to errors of the port.

use ::mongodb::error::{Error, ErrorKind, WriteFailure};

use crate::store::StoreError;

const DUPLICATE_KEY: i32 = 11_000;
const WRITE_CONFLICT: i32 = 112;
const NO_SUCH_TRANSACTION: i32 = 251;
// MaxTimeMSExpired and ExceededTimeLimit.
const OUT_OF_TIME: [i32; 2] = [50, 262];
// BSONObjectTooLarge and TransactionTooLarge: the same commit can never succeed.
const TOO_LARGE: [i32; 2] = [10_334, 257];
// Errors of a server that is starting, stopping or losing an election:
// https://github.com/mongodb/specifications/blob/master/source/retryable-reads/retryable-reads.md
const PASSING: [i32; 14] = [6, 7, 89, 91, 134, 189, 262, 9_001, 10_107, 11_600, 11_602, 13_388, 13_435, 13_436];

/// Returns the server's error code, if the error came from the server.
pub(super) fn code(error: &Error) -> Option<i32> {
    match error.kind.as_ref() {
        ErrorKind::Command(command) => Some(command.code),
        ErrorKind::Write(WriteFailure::WriteError(write)) => Some(write.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(concern)) => Some(concern.code),
        _ => None,
    }
}

/// Returns `true` if no server could be selected; the attempt has then already waited.
pub(super) fn is_unreachable(error: &Error) -> bool {
    matches!(
        error.kind.as_ref(),
        ErrorKind::ServerSelection { .. } | ErrorKind::DnsResolve { .. } | ErrorKind::Authentication { .. }
    )
}

/// Returns `true` if the connection broke, so that it is unknown if the server executed the request.
pub(super) fn is_lost(error: &Error) -> bool {
    matches!(error.kind.as_ref(), ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. })
        || matches!(error.kind.as_ref(), ErrorKind::Write(WriteFailure::WriteConcernError(_)))
        || error.contains_label("UnknownTransactionCommitResult")
        || code(error).is_some_and(|code| PASSING.contains(&code))
}

/// Returns `true` if a transaction was aborted by a transient error.
pub(super) fn is_transient(error: &Error) -> bool {
    error.contains_label("TransientTransactionError")
        || matches!(code(error), Some(WRITE_CONFLICT | NO_SUCH_TRANSACTION))
        || is_lost(error)
}

/// Translates an error for the log and for callers of the port.
pub(super) fn translate(error: &Error) -> StoreError {
    match code(error) {
        Some(code) if OUT_OF_TIME.contains(&code) => StoreError::Timeout,
        Some(code) if TOO_LARGE.contains(&code) => StoreError::Unsupported { detail: error.to_string() },
        _ => StoreError::Unavailable { detail: error.to_string() },
    }
}

/// A conflict of a write that would have duplicated a unique value.
#[derive(Debug)]
pub(super) struct Duplicate {
    message: String,
}

impl Duplicate {
    /// Parses the server's error, if it is such a conflict.
    pub(super) fn of(error: &Error) -> Option<Self> {
        if code(error) != Some(DUPLICATE_KEY) {
            return None;
        }
        let message = match error.kind.as_ref() {
            ErrorKind::Write(WriteFailure::WriteError(write)) => write.message.clone(),
            ErrorKind::Command(command) => command.message.clone(),
            _ => error.to_string(),
        };
        Some(Self { message })
    }

    /// Returns the name of the violated index, which follows `index: ` in the message since MongoDB 2.0.
    pub(super) fn index(&self) -> Option<&str> {
        let (_, after) = self.message.split_once("index: ")?;
        after.split([' ', '$']).next().filter(|name| !name.is_empty())
    }

    /// Returns `true` if the id is taken.
    pub(super) fn is_id(&self) -> bool {
        self.index().is_some_and(|name| name.starts_with("_id"))
    }

    /// Returns the key that the message quotes after `dup key:`, if it is exactly one of these.
    pub(super) fn quoted<'a>(&self, keys: &'a [String]) -> Option<&'a str> {
        let (_, value) = self.message.split_once("dup key:")?;
        let mut quoted = keys.iter().filter(|key| value.contains(&format!("\"{key}\"")));
        let first = quoted.next()?;
        quoted.next().is_none().then_some(first)
    }
}
