//! Waits for work without the GIL, from synchronous and asynchronous Python.

use std::{future::poll_fn, pin::pin, time::Duration};

use dezky::{Code, Error, FieldCode, FieldError, Result};
use dezky_embedded::guarded;
use pyo3::{IntoPyObject, prelude::*};
use pyo3_async_runtimes::tokio::{future_into_py, get_runtime};
use tokio::runtime::Handle;

use crate::failure::raised;

/// Longest delay until a waiting thread notices a signal such as Ctrl-C.
const SIGNALS: Duration = Duration::from_millis(50);

/// Returns the time limit of a call, from seconds.
pub(crate) fn limit(seconds: Option<f64>) -> Result<Option<Duration>> {
    let Some(seconds) = seconds else { return Ok(None) };
    match Duration::try_from_secs_f64(seconds) {
        Ok(limit) if !limit.is_zero() => Ok(Some(limit)),
        _ => {
            let message = "must be a number of seconds above 0";
            Err(Error::invalid(vec![FieldError::new("timeout", FieldCode::OUT_OF_RANGE, message)]))
        }
    }
}

/// Runs work with a time limit, converting panics to errors.
pub(crate) async fn within<T>(limit: Option<Duration>, work: impl Future<Output = Result<T>>) -> Result<T> {
    let work = guarded(work);
    let Some(limit) = limit else { return work.await };
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => {
            let message =
                "the call did not end within its `timeout`; of what was asked for, all has happened or nothing";
            Err(Error::new(Code::TIMEOUT, message))
        }
    }
}

/// Waits on this thread, with the GIL released.
///
/// A signal whose handler raises cancels the work, which then has its whole effect or none.
pub(crate) fn wait<T: Send>(py: Python<'_>, work: impl Future<Output = Result<T>> + Send) -> PyResult<T> {
    if Handle::try_current().is_ok() {
        let message = "a call from within another one on the same thread, such as from what is told its progress, cannot wait: make \
                       it in another thread, or afterwards";
        return Err(raised(&Error::new(Code::NESTED_CALL, message)));
    }
    py.detach(|| {
        get_runtime().block_on(async {
            let mut work = pin!(work);
            loop {
                let polled = tokio::time::timeout(SIGNALS, poll_fn(|context| work.as_mut().poll(context)));
                match polled.await {
                    Ok(result) => return result.map_err(|error| raised(&error)),
                    Err(_) => Python::attach(|py| py.check_signals())?,
                }
            }
        })
    })
}

/// Returns an awaitable of the running event loop.
///
/// Cancelling it cancels the work, which then has its whole effect or none.
pub(crate) fn promise<T>(
    py: Python<'_>,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> PyResult<Bound<'_, PyAny>>
where
    T: for<'py> IntoPyObject<'py> + Send + 'static,
{
    future_into_py(py, async move { work.await.map_err(|error| raised(&error)) })
}
