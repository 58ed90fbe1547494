//! Opening of the store and the verifier that a configuration names.

use std::sync::Arc;

#[cfg(feature = "mongodb")]
use dezky::store::mongodb::{MongodbOptions, MongodbStore};
use dezky::{
    Error, Result,
    authn::{
        Verifier, VerifierOptions,
        keys::{HttpKeySource, StoreArchive},
    },
    clock::Clock,
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

    /// Creates a verifier for the configured issuers, which keeps their keys in the store.
    ///
    /// Nothing is fetched before the verifier is started or used.
    ///
    /// # Errors
    /// Kind `Configuration` when a setting of an issuer or an added authority is invalid.
    pub fn verifier(&self, store: &SharedStore, clock: Arc<dyn Clock>) -> Result<Verifier> {
        Verifier::new(
            self.issuers.clone(),
            Arc::new(HttpKeySource::new(self.extra_ca_certificates.as_deref())?),
            Arc::new(StoreArchive::new(Arc::clone(store))),
            clock,
            VerifierOptions::default(),
        )
    }
}
