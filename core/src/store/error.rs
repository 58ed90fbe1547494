//! What can go wrong in a store.

use crate::{
    domain::ObjectId,
    error::{Code, Error},
};

/// Result of a store operation.
pub type StoreResult<T> = Result<T, StoreError>;

/// How the key begins when it was an index of others that refused.
pub(crate) const OTHER_INDEX: &str = "index:";

/// What went wrong in a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another document of the collection holds this unique key (or this id, then the key is `id:<hex>`; or what a unique index
    /// that others have made is about, then it is `index:<name>`).
    #[error("`{key}` is taken in `{collection}`")]
    DuplicateKey {
        /// Name of the collection.
        collection: &'static str,
        /// The key that is taken.
        key: String,
    },
    /// The document to update or delete is not at the expected version any more, or is gone.
    #[error("document {id} of `{collection}` was changed meanwhile")]
    VersionConflict {
        /// Name of the collection.
        collection: &'static str,
        /// The document.
        id: ObjectId,
    },
    /// A document that the decision rested on was changed meanwhile.
    #[error("document {id} of `{collection}`, on which the decision rested, was changed meanwhile")]
    GuardFailed {
        /// Name of the collection.
        collection: &'static str,
        /// The document.
        id: ObjectId,
    },
    /// The database does not answer, or is not able to write. Passes by itself or by an operator's hand.
    #[error("the store is not available: {detail}")]
    Unavailable {
        /// What the database or its driver said; for the log.
        detail: String,
    },
    /// The deadline passed. A commit that ends like this may have happened.
    #[error("the store did not answer in time")]
    Timeout,
    /// A stored document cannot be read.
    #[error("document {id:?} of `{collection}` cannot be read: {detail}")]
    Corrupt {
        /// Name of the collection.
        collection: &'static str,
        /// The document, if it is known.
        id: Option<ObjectId>,
        /// What is wrong with it; for the log.
        detail: String,
    },
    /// A query or commit uses what its collection does not declare: a defect of the caller.
    #[error("not supported by the store: {detail}")]
    Unsupported {
        /// What was asked.
        detail: String,
    },
    /// Documents of the replaced service were never upgraded: who signs in is not found among them.
    #[error(
        "documents of the replaced service were not upgraded in {}: stop the server and run `dezky migrate` (docs/migration.md)",
        waiting.join(", ")
    )]
    NotUpgraded {
        /// The collections that have some, with the unique indexes on them.
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
    /// The location of the store is not acceptable: a wrong URI, a network file system.
    #[error("{detail}")]
    Configuration {
        /// What to change.
        detail: String,
    },
}

impl StoreError {
    /// Whether reading again and deciding again may succeed: another writer came first.
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

/// What a person is told whom a database of the replaced service keeps from signing in: nothing that they could do.
pub(crate) fn not_upgraded() -> Error {
    Error::new(
        Code::MIGRATION_INCOMPLETE,
        "you cannot sign in until the operator has finished the migration from the former service (docs/migration.md)",
    )
    .with_retry_after(std::time::Duration::from_secs(60))
}
