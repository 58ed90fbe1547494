//! The configured store, with metrics and traces.

mod measured;

use std::sync::Arc;

use dezky::{Result, store::SharedStore};

use crate::{
    configuration::{Configuration, StoreLocation},
    server::{Metrics, StoreSpans},
};

/// Opens the store. An unreachable one is not an error: its operations fail until it answers.
///
/// # Errors
/// As [`Configuration::open_store`].
pub(crate) fn open(configuration: &Configuration, metrics: &Arc<Metrics>) -> Result<SharedStore> {
    open_traced(configuration, metrics, None)
}

/// Opens the store of a server, with spans of calls if they are exported.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_traced(
    configuration: &Configuration,
    metrics: &Arc<Metrics>,
    spans: Option<StoreSpans>,
) -> Result<SharedStore> {
    // The names of OpenTelemetry's conventions for databases.
    let system = match configuration.store {
        StoreLocation::Sqlite(_) => "sqlite",
        StoreLocation::Mongodb(_) => "mongodb",
    };
    let (store, metrics) = (configuration.open_store()?, Arc::clone(metrics));
    Ok(Arc::new(measured::MeasuredStore::new(store, metrics, spans, system)))
}
