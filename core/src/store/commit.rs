//! Commits: changes and guards that take effect together or not at all.

use super::{Collection, Entity, StoreError, StoreResult};
use crate::domain::ObjectId;

/// A change of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Adds a document. Its id must be free.
    Insert {
        /// The collection.
        collection: &'static Collection,
        /// Id of the new document.
        id: ObjectId,
        /// JSON text of the id and the declared fields.
        json: String,
        /// The document's unique keys.
        unique_keys: Vec<String>,
    },
    /// Replaces the declared fields of a document at the expected version.
    Update {
        /// The collection.
        collection: &'static Collection,
        /// The document.
        id: ObjectId,
        /// The version that it must have.
        expected: u64,
        /// JSON text of the id and the declared fields. Missing declared fields are removed; undeclared ones stay.
        json: String,
        /// The document's unique keys after the update.
        unique_keys: Vec<String>,
    },
    /// Removes a document at the expected version.
    Delete {
        /// The collection.
        collection: &'static Collection,
        /// The document.
        id: ObjectId,
        /// The version that it must have.
        expected: u64,
    },
}

impl Change {
    /// Returns the collection that is changed.
    #[must_use]
    pub fn collection(&self) -> &'static Collection {
        match self {
            Self::Insert { collection, .. } | Self::Update { collection, .. } | Self::Delete { collection, .. } => {
                collection
            }
        }
    }

    /// Returns the id of the document that is changed.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        match self {
            Self::Insert { id, .. } | Self::Update { id, .. } | Self::Delete { id, .. } => *id,
        }
    }
}

/// The expected state of a guarded document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// It is at this version.
    Version(u64),
    /// There is no such document.
    Absent,
}

/// A document that the decision to write depends on, but that is not changed itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// The collection.
    pub collection: &'static Collection,
    /// The document.
    pub id: ObjectId,
    /// The state that it must still have.
    pub expect: Expectation,
}

/// Changes and guards that take effect together or not at all.
///
/// A commit has its own id. If a backend loses the answer of a commit, it looks for the document that the commit
/// inserted last (an audit or outbox event for commits of the service) to learn if the commit happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Identifies the commit; also the id of its outbox event.
    pub id: ObjectId,
    /// Changes, in the order in which they are checked.
    pub changes: Vec<Change>,
    /// Expected states of documents that are not changed.
    pub guards: Vec<Guard>,
}

impl Default for Commit {
    fn default() -> Self {
        Self::new()
    }
}

impl Commit {
    /// Creates an empty commit.
    #[must_use]
    pub fn new() -> Self {
        Self { id: ObjectId::generate(), changes: Vec::new(), guards: Vec::new() }
    }

    /// Returns `true` if it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Adds a new document.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] if the entity cannot be serialized as JSON, which is a bug.
    pub fn insert<E: Entity>(&mut self, entity: &E) -> StoreResult<()> {
        self.changes.push(Change::Insert {
            collection: E::COLLECTION,
            id: entity.id(),
            json: encode(entity)?,
            unique_keys: entity.unique_keys(),
        });
        Ok(())
    }

    /// Replaces a document that is at the version `expected`. The entity already has the new version.
    ///
    /// # Errors
    /// As [`Commit::insert`].
    pub fn update<E: Entity>(&mut self, entity: &E, expected: u64) -> StoreResult<()> {
        self.changes.push(Change::Update {
            collection: E::COLLECTION,
            id: entity.id(),
            expected,
            json: encode(entity)?,
            unique_keys: entity.unique_keys(),
        });
        Ok(())
    }

    /// Removes a document, if it is still as it was read.
    pub fn delete<E: Entity>(&mut self, entity: &E) {
        self.changes.push(Change::Delete { collection: E::COLLECTION, id: entity.id(), expected: entity.version() });
    }

    /// Requires that a document is still as it was read.
    ///
    /// A document that the commit changes itself needs no guard, and gets none.
    pub fn guard<E: Entity>(&mut self, entity: &E) {
        self.expect(E::COLLECTION, entity.id(), Expectation::Version(entity.version()));
    }

    /// Requires a state of a document.
    pub fn expect(&mut self, collection: &'static Collection, id: ObjectId, expect: Expectation) {
        let guard = Guard { collection, id, expect };
        if !self.guards.contains(&guard) {
            self.guards.push(guard);
        }
    }

    /// Iterates over the guards that a backend has to check.
    ///
    /// These are the guards on documents that the commit does not change.
    pub fn effective_guards(&self) -> impl Iterator<Item = &Guard> {
        self.guards.iter().filter(|guard| {
            !self.changes.iter().any(|change| change.id() == guard.id && change.collection() == guard.collection)
        })
    }
}

fn encode<E: Entity>(entity: &E) -> StoreResult<String> {
    serde_json::to_string(entity).map_err(|error| StoreError::Unsupported {
        detail: format!("an entity of `{}` cannot be written: {error}", E::COLLECTION.name),
    })
}
