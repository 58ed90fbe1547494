//! Errors of a store.

use crate::{
    domain::ObjectId,
    error::{Code, Error},
};

/// Result of a store operation.
pub type StoreResult<T> = Result<T, StoreError>;

/// Prefix of the key in a [`StoreError::DuplicateKey`] from a unique index that Dezky did not create.
pub(crate) const OTHER_INDEX: &str = "index:";

/// An error of a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another document of the collection holds this unique key.
    ///
    /// The key is `id:<hex>` for a taken id, and `index:<name>` for a unique index that Dezky did not create.
    #[error("`{key}` is taken in `{collection}`")]
    DuplicateKey {
        /// Name of the collection.
        collection: &'static str,
        /// The key that is taken.
        key: String,
    },
    /// The document to update or delete is no longer at the expected version, or was removed.
    #[error("document {id} of `{collection}` was changed meanwhile")]
    VersionConflict {
        /// Name of the collection.
        collection: &'static str,
        /// The document.
        id: ObjectId,
    },
    /// A document that the decision depends on was changed meanwhile.
    #[error("document {id} of `{collection}`, on which the decision rested, was changed meanwhile")]
    GuardFailed {
        /// Name of the collection.
        collection: &'static str,
        /// The document.
        id: ObjectId,
    },
    /// The database does not answer or cannot write. Recovers by itself or by an operator's action.
    #[error("the store is not available: {detail}")]
    Unavailable {
        /// Message of the database or its driver, for the log.
        detail: String,
    },
    /// The deadline passed. A commit that ends with this may still have happened.
    #[error("the store did not answer in time")]
    Timeout,
    /// A stored document cannot be read.
    #[error("document {id:?} of `{collection}` cannot be read: {detail}")]
    Corrupt {
        /// Name of the collection.
        collection: &'static str,
        /// The document, if known.
        id: Option<ObjectId>,
        /// Description of the problem, for the log.
        detail: String,
    },
    /// A query or commit uses something undeclared in its collection, which is a bug.
    #[error("not supported by the store: {detail}")]
    Unsupported {
        /// Description of the unsupported request.
        detail: String,
    },
    /// Documents of the replaced service were never upgraded, so people who sign in are not found among them.
    #[error(
        "documents of the replaced service were not upgraded in {}: stop the server and run `dezky migrate` (docs/migration.md)",
        waiting.join(", ")
    )]
    NotUpgraded {
        /// The collections with such documents, and the unique indexes on them.
        waiting: Vec<String>,
    },
    /// A newer release has written this store.
    #[error("the store has schema version {found}, and this release knows up to {known}: use a newer release")]
    NewerSchema {
        /// Version found in the store.
        found: u32,
        /// Newest version that this release knows.
        known: u32,
    },
    /// The location of the store is not valid: a wrong URI, or a network file system.
    #[error("{detail}")]
    Configuration {
        /// Tells what to change.
        detail: String,
    },
}

impl StoreError {
    /// Returns `true` if another writer came first, so that reading and deciding again may succeed.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::VersionConflict { .. } | Self::GuardFailed { .. })
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let public = match &error {
            StoreError::DuplicateKey { collection, key } if let Some(index) = key.strip_prefix(OTHER_INDEX) => {
                Error::new(
                    Code::FOREIGN_INDEX,
                    format!(
                        "`{collection}` has a unique index `{index}` that this software did not make, and it refuses this: \
                     have the operator drop it (docs/migration.md)"
                    ),
                )
            }
            StoreError::DuplicateKey { .. } => {
                Error::new(Code::ALREADY_EXISTS, "something with this unique value exists already")
            }
            StoreError::VersionConflict { .. } | StoreError::GuardFailed { .. } => {
                Error::new(Code::CONFLICT, "it was changed by somebody else meanwhile: read it again and retry")
            }
            StoreError::Unavailable { .. } => {
                Error::new(Code::STORE_UNAVAILABLE, "the store is not available, try again")
                    .with_retry_after(std::time::Duration::from_secs(1))
            }
            StoreError::Timeout => Error::new(Code::STORE_TIMEOUT, "the store did not answer in time, try again")
                .with_retry_after(std::time::Duration::from_secs(1)),
            StoreError::NotUpgraded { .. } => not_upgraded(),
            StoreError::NewerSchema { .. } | StoreError::Configuration { .. } => {
                Error::new(Code::STORE_CONFIGURATION, error.to_string())
            }
            StoreError::Corrupt { .. } | StoreError::Unsupported { .. } => Error::internal(error.to_string()),
        };
        public.with_source(error)
    }
}

/// Returns the error for a person whom a database of the replaced service keeps from signing in.
///
/// The person can do nothing about it.
pub(crate) fn not_upgraded() -> Error {
    Error::new(
        Code::MIGRATION_INCOMPLETE,
        "you cannot sign in until the operator has finished the migration from the former service (docs/migration.md)",
    )
    .with_retry_after(std::time::Duration::from_secs(60))
}
