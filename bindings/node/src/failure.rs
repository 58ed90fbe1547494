//! Errors on their way to JavaScript: as JSON, since an error of Node-API carries a text and nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};

use dezky::{Error, Result};

/// The error to throw.
pub(crate) fn thrown(error: &Error) -> napi::Error {
    napi::Error::from_reason(dezky_embedded::json(error, None))
}

/// Work on the thread of JavaScript whose errors are thrown, and whose panics are errors: one that came through to Node-API
/// would end the process.
pub(crate) fn contained<T>(work: impl FnOnce() -> Result<T>) -> napi::Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::internal("a call panicked; standard error says where")))
        .map_err(|error| thrown(&error))
}

/// Work whose errors are thrown, and whose panics are errors.
pub(crate) async fn guarded<T>(work: impl Future<Output = Result<T>>) -> napi::Result<T> {
    dezky_embedded::guarded(work).await.map_err(|error| thrown(&error))
}
