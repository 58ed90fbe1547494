//! Errors for JavaScript, as JSON, because an error of Node-API only has a text.

use std::panic::{AssertUnwindSafe, catch_unwind};

use dezky::{Error, Result};

/// Returns the error to throw.
pub(crate) fn thrown(error: &Error) -> napi::Error {
    napi::Error::from_reason(dezky_embedded::json(error, None))
}

/// Runs work on the JavaScript thread, throwing its errors and panics.
///
/// A panic that reached Node-API would end the process.
pub(crate) fn contained<T>(work: impl FnOnce() -> Result<T>) -> napi::Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::internal("a call panicked; standard error says where")))
        .map_err(|error| thrown(&error))
}

/// Runs work, throwing its errors and panics.
pub(crate) async fn guarded<T>(work: impl Future<Output = Result<T>>) -> napi::Result<T> {
    dezky_embedded::guarded(work).await.map_err(|error| thrown(&error))
}
