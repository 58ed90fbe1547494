//! Refusals of the host as errors of the core.

use std::{collections::BTreeSet, sync::Mutex, time::Duration};

use dezky::{Error, ErrorKind, FieldError};

use crate::platform::problems::Problem;

/// Maximum number of the host's codes; it has some dozens.
const MAXIMUM_CODES: usize = 256;

static CODES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// Returns the code as a static string. Codes come from a fixed table of the host, so caching them is bounded.
fn interned(code: &str) -> &'static str {
    let mut codes = match CODES.lock() {
        Ok(codes) => codes,
        Err(poisoned) => poisoned.into_inner(),
    };
    if let Some(known) = codes.get(code) {
        return known;
    }
    if codes.len() >= MAXIMUM_CODES {
        return "internal";
    }
    let code: &'static str = Box::leak(code.to_owned().into_boxed_str());
    codes.insert(code);
    code
}

/// Converts an error of the host.
pub(crate) fn error(problem: Problem) -> Error {
    let kind = ErrorKind::from_name(&problem.kind).unwrap_or(ErrorKind::Internal);
    let fields =
        problem.fields.into_iter().map(|field| FieldError::new(field.field, interned(&field.code), field.message));
    let error = Error::new(kind, interned(&problem.code), problem.message).with_fields(fields.collect());
    match problem.retry_after {
        Some(wait) => error.with_retry_after(Duration::from_millis(wait)),
        None => error,
    }
}

/// Returns the error for an unreadable answer of the host.
pub(crate) fn unreadable(what: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal(what).with_source(error)
}
