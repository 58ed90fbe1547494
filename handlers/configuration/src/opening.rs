//! Opening of the store and the verifier that a configuration names.

use std::sync::Arc;

#[cfg(feature = "mongodb")]
use dezky::store::mongodb::{MongodbOptions, MongodbStore};
use dezky::{
    Error, PlatformOptions, Result,
    store::{
        SharedStore, StoreError, StoreResult, Transfer,
        sqlite::{SqliteOptions, SqliteStore},
    },
};

use crate::{Configuration, StoreLocation, refuse};

impl StoreLocation {
    /// Opens the store for copies of whole documents.
    ///
    /// # Errors
    /// When the location is invalid for a store, or a newer release has written it.
    pub fn open_for_transfer(&self) -> StoreResult<Box<dyn Transfer>> {
        Ok(match self {
            Self::Sqlite(path) => Box::new(SqliteStore::open(path, SqliteOptions::default(), dezky::COLLECTIONS)?),
            #[cfg(feature = "mongodb")]
            Self::Mongodb(uri) => Box::new(MongodbStore::open(uri, MongodbOptions::default(), dezky::COLLECTIONS)?),
            #[cfg(not(feature = "mongodb"))]
            Self::Mongodb(_) => return Err(no_mongodb()),
        })
    }
}

/// Error for a MongoDB store in a build without MongoDB.
#[cfg(not(feature = "mongodb"))]
#[must_use]
pub fn no_mongodb() -> StoreError {
    StoreError::Configuration {
        detail: "this build has no MongoDB store: build it with the feature `mongodb`".to_owned(),
    }
}

impl Configuration {
    /// Opens the store. An unreachable store is no error: its operations fail until it responds.
    ///
    /// # Errors
    /// Kind `Configuration` when the location is invalid for a store, or a newer release has written it.
    pub fn open_store(&self) -> Result<SharedStore> {
        let refused = |error: StoreError| match error {
            StoreError::Configuration { .. } | StoreError::NewerSchema { .. } => {
                refuse(format!("{}: {error}", self.store_origin))
            }
            other => Error::from(other),
        };
        Ok(match &self.store {
            StoreLocation::Sqlite(path) => {
                Arc::new(SqliteStore::open(path, SqliteOptions::default(), dezky::COLLECTIONS).map_err(refused)?)
            }
            #[cfg(not(feature = "mongodb"))]
            StoreLocation::Mongodb(_) => return Err(refused(no_mongodb())),
            #[cfg(feature = "mongodb")]
            StoreLocation::Mongodb(uri) => {
                Arc::new(MongodbStore::open(uri, MongodbOptions::default(), dezky::COLLECTIONS).map_err(refused)?)
            }
        })
    }

    /// Options for a platform over this store, by the configured issuers and settings.
    ///
    /// # Errors
    /// Kind `Configuration` when the payment provider's address or key cannot be used.
    pub fn platform_options(&self, store: SharedStore) -> Result<PlatformOptions> {
        Ok(PlatformOptions::new(store)
            .issuers(self.issuers.clone())
            .service(self.service_settings())
            .extra_ca_certificates(self.extra_ca_certificates.clone())
            .records(self.domains.records())
            .billing(self.billing()?))
    }
}
