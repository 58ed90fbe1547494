//! The store that the configuration names.

mod measured;

use std::sync::Arc;

use dezky::{
    Error, Result,
    store::{
        SharedStore, Store, StoreError,
        mongodb::{MongodbOptions, MongodbStore},
        sqlite::{SqliteOptions, SqliteStore},
    },
};

use crate::{
    configuration::{Configuration, StoreLocation, refuse},
    server::Metrics,
};

/// Opens the store. One that does not answer is no error: its operations fail until it does.
///
/// # Errors
/// Kind `Configuration` when the location cannot hold a store, or a newer release has written it.
pub(crate) fn open(configuration: &Configuration, metrics: &Arc<Metrics>) -> Result<SharedStore> {
    let refused = |error: StoreError| match error {
        StoreError::Configuration { .. } | StoreError::NewerSchema { .. } => {
            refuse(format!("{}: {error}", configuration.store_origin))
        }
        other => Error::from(other),
    };
    let store: Arc<dyn Store> = match &configuration.store {
        StoreLocation::Sqlite(path) => {
            Arc::new(SqliteStore::open(path, SqliteOptions::default(), dezky::COLLECTIONS).map_err(refused)?)
        }
        StoreLocation::Mongodb(uri) => {
            Arc::new(MongodbStore::open(uri, MongodbOptions::default(), dezky::COLLECTIONS).map_err(refused)?)
        }
    };
    Ok(Arc::new(measured::MeasuredStore::new(store, Arc::clone(metrics))))
}
