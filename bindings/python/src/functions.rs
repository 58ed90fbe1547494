//! Functions that need no open platform.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use dezky::{Error, Result, migration::CopyProgress, service::Principal};
use dezky_embedded::{Names, Options};
use pyo3::prelude::*;
use serde::Serialize;
use tokio::sync::Notify;

use crate::{
    calling::{wait, within},
    failure::raised,
};

fn json(told: &impl Serialize) -> Result<String> {
    serde_json::to_string(told).map_err(|error| Error::internal(error.to_string()))
}

/// Checks the name of a system actor.
#[pyfunction]
pub(crate) fn check_actor(name: &str) -> PyResult<()> {
    Principal::named_system(name).map(|_| ()).map_err(|error| raised(&error))
}

/// Validates an input (JSON) as the named operation does.
#[pyfunction]
pub(crate) fn check_input(operation: &str, input: &[u8]) -> PyResult<()> {
    let read = || {
        let input = serde_json::from_slice(input).map_err(|error| Error::internal(error.to_string()))?;
        dezky_embedded::check_input(operation, input)
    };
    read().map_err(|error| raised(&error))
}

/// Returns the settings (JSON), without opening anything.
#[pyfunction]
#[pyo3(signature = (store, config, environment))]
pub(crate) fn settings(store: Option<String>, config: Option<PathBuf>, environment: bool) -> PyResult<String> {
    let options = Options { store, config, environment: Some(environment), ..Options::default() };
    options.settings(Names::Snake).and_then(|settings| json(&settings)).map_err(|error| raised(&error))
}

/// Reports progress to Python. The first exception from its callback ends the work.
struct Progress {
    told: Option<Py<PyAny>>,
    failed: Mutex<Option<PyErr>>,
    ended: Notify,
}

impl Progress {
    fn new(told: Option<Py<PyAny>>) -> Self {
        Self { told, failed: Mutex::default(), ended: Notify::new() }
    }

    fn tell(&self, step: CopyProgress) {
        let Some(told) = &self.told else { return };
        let said = match step {
            CopyProgress::Copied(collection, count) => ("copied", collection, count),
            CopyProgress::Verified(collection, count) => ("verified", collection, count),
        };
        if let Err(error) = Python::attach(|py| told.call1(py, said)) {
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            self.ended.notify_one();
        }
    }

    /// Waits for the work, and raises its error.
    fn follow<T: Serialize + Send>(
        &self,
        py: Python<'_>,
        work: impl Future<Output = Result<T>> + Send,
    ) -> PyResult<String> {
        let followed = wait(py, async {
            tokio::select! {
                done = within(None, work) => done.and_then(|done| json(&done)).map(Some),
                () = self.ended.notified() => Ok(None),
            }
        });
        match self.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None => Ok(followed?.unwrap_or_default()),
        }
    }
}

/// Copies all documents from one store to another. Returns the result as JSON.
#[pyfunction]
#[pyo3(signature = (source, target, progress: "collections.abc.Callable[[str, str, int], object] | None"))]
pub(crate) fn copy_store(
    py: Python<'_>,
    source: String,
    target: String,
    progress: Option<Py<PyAny>>,
) -> PyResult<String> {
    let progress = Progress::new(progress);
    let tell = |step| progress.tell(step);
    progress.follow(py, dezky_embedded::copy_store(source, target, &tell))
}

/// Counts and hashes all collections of a store. Returns the result as JSON.
#[pyfunction]
#[pyo3(signature = (store, progress: "collections.abc.Callable[[str, str, int], object] | None"))]
pub(crate) fn fingerprint(py: Python<'_>, store: String, progress: Option<Py<PyAny>>) -> PyResult<String> {
    let progress = Progress::new(progress);
    let tell = |step| progress.tell(step);
    progress.follow(py, dezky_embedded::fingerprint(store, &tell))
}
