//! Errors on their way to JavaScript: as JSON, since an error of Node-API carries a text and nothing else.

use dezky::{Error, Result};

/// The error to throw.
pub(crate) fn thrown(error: &Error) -> napi::Error {
    napi::Error::from_reason(dezky_embedded::json(error, None))
}

/// Work whose errors are thrown, and whose panics are errors.
pub(crate) async fn guarded<T>(work: impl Future<Output = Result<T>>) -> napi::Result<T> {
    dezky_embedded::guarded(work).await.map_err(|error| thrown(&error))
}
