//! Requests that run while Python does something else.

use std::sync::{Mutex, PoisonError};

use dezky::{Error, Result};
use dezky_embedded::{Answer, guarded};
use pyo3::prelude::*;
use pyo3_async_runtimes::tokio::get_runtime;
use tokio::task::JoinHandle;

use crate::{answer::Told, calling::wait};

/// A running request. Dropping it cancels the request, which then has its whole effect or none.
#[pyclass(frozen, module = "dezky._native")]
pub(crate) struct Started {
    task: Mutex<Option<JoinHandle<Result<Answer>>>>,
}

impl Started {
    pub(crate) fn new(work: impl Future<Output = Result<Answer>> + Send + 'static) -> Self {
        Self { task: Mutex::new(Some(get_runtime().spawn(guarded(work)))) }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

/// Cancels its task when nobody waits for it any more.
struct Waiting(JoinHandle<Result<Answer>>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[pymethods]
impl Started {
    /// Waits for the answer, which is returned once.
    #[pyo3(signature = () -> "tuple[int, str | None, str | None, bytes]")]
    fn wait(&self, py: Python<'_>) -> PyResult<Told> {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        wait(py, async move {
            let mut waiting = Waiting(task.ok_or_else(|| Error::internal("a started call is waited for twice"))?);
            match (&mut waiting.0).await {
                Ok(result) => result.map(Told),
                Err(error) => Err(Error::internal(error.to_string())),
            }
        })
    }
}
