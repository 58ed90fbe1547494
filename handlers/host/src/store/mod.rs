//! The configured store, with metrics.

mod measured;

use std::sync::Arc;

use dezky::{Result, store::SharedStore};

use crate::{configuration::Configuration, server::Metrics};

/// Opens the store. An unreachable one is not an error: its operations fail until it answers.
///
/// # Errors
/// As [`Configuration::open_store`].
pub(crate) fn open(configuration: &Configuration, metrics: &Arc<Metrics>) -> Result<SharedStore> {
    Ok(Arc::new(measured::MeasuredStore::new(configuration.open_store()?, Arc::clone(metrics))))
}
