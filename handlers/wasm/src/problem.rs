//! Refusals of the host as errors of the core.

use std::time::Duration;

use dezky::{
    Error, FieldError,
    error::{Code, FieldCode},
};

use crate::platform::problems::Problem;

/// Converts an error of the host. Its kind follows from its code.
pub(crate) fn error(problem: Problem) -> Error {
    let Some(code) = Code::from_name(&problem.code) else {
        return Error::internal(format!("the host refuses with `{}`, a code of another release", problem.code));
    };
    let field = |bad: crate::platform::problems::BadField| {
        Some(FieldError::new(bad.field, FieldCode::from_name(&bad.code)?, bad.message))
    };
    // A field whose code is unknown is left out: the message says that something is wrong with it.
    let fields = problem.fields.into_iter().filter_map(field).collect();
    let error = Error::new(code, problem.message).with_fields(fields);
    match problem.retry_after {
        Some(wait) => error.with_retry_after(Duration::from_millis(wait)),
        None => error,
    }
}

/// Returns the error for an unreadable answer of the host.
pub(crate) fn unreadable(what: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal(what).with_source(error)
}
