//! One attempt at a commit: its changes in order, then its guards.

use std::time::Instant;

use ::mongodb::{
    ClientSession,
    action::{Action as _, Delete, FindOne, InsertOne, Update},
    bson::{DateTime, Document as BsonDocument, doc},
    error::Error,
    options::ReadConcern,
};

use super::{
    LOCK_FIELD,
    command::CommandOptions,
    connection::{COMMITS, Connection},
    encode::{inserted, object_id, objects, updated},
    failure::Duplicate,
    options::{primary, write_concern},
    patience::remaining,
};
use crate::{
    object_id::ObjectId,
    store::{Change, Collection, Commit, Expectation, Guard, StoreError},
};

/// The reason why an attempt ended.
pub(super) enum AttemptError<'a> {
    /// An error that the port has a name for.
    Known(StoreError),
    /// The change would have duplicated a unique value.
    Duplicate(&'a Change, Duplicate),
    /// An error of the driver or the server, before the commit was requested.
    Driver(Error),
}

impl From<Error> for AttemptError<'_> {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

impl From<StoreError> for AttemptError<'_> {
    fn from(error: StoreError) -> Self {
        Self::Known(error)
    }
}

/// Returns `true` if a commit is a single write.
///
/// MongoDB performs such a write atomically and equally durably without a transaction, in one round trip instead of
/// two. Updates that must first read objects to merge are excluded, as are deletions, which leave no mark by which a
/// lost answer could be resolved.
pub(super) fn is_single_write(commit: &Commit) -> bool {
    if commit.effective_guards().next().is_some() {
        return false;
    }
    match commit.changes.as_slice() {
        [Change::Insert { .. }] => true,
        [Change::Update { collection, .. }] => objects(collection).is_empty(),
        _ => false,
    }
}

/// Begins a transaction that reads one snapshot and is committed by a majority.
pub(super) async fn begin(session: &mut ClientSession, deadline: Instant) -> Result<(), Error> {
    session
        .start_transaction()
        .read_concern(ReadConcern::snapshot())
        .write_concern(write_concern())
        .selection_criteria(primary())
        .max_commit_time(remaining(deadline))
        .await
}

/// Performs everything except the commit of the transaction.
pub(super) async fn write<'a>(
    connection: &Connection,
    session: &mut ClientSession,
    commit: &'a Commit,
    options: &CommandOptions,
) -> Result<(), AttemptError<'a>> {
    for change in &commit.changes {
        apply(connection, session, commit.id, change, options).await?;
    }
    for guard in commit.effective_guards() {
        check(connection, session, commit.id, guard, options).await?;
    }
    let inserts = commit.changes.iter().any(|change| matches!(change, Change::Insert { .. }));
    if !inserts && !commit.is_empty() && !is_single_write(commit) {
        let mark = doc! { "_id": object_id(commit.id), "at": DateTime::now() };
        let commits = connection.database.collection::<BsonDocument>(COMMITS);
        let marked = commits.insert_one(mark).optional(options.comment.clone(), InsertOne::comment);
        marked.session(&mut *session).await?;
    }
    Ok(())
}

async fn apply<'a>(
    connection: &Connection,
    session: &mut ClientSession,
    commit: ObjectId,
    change: &'a Change,
    options: &CommandOptions,
) -> Result<(), AttemptError<'a>> {
    let named = |error: Error| match Duplicate::of(&error) {
        Some(duplicate) => AttemptError::Duplicate(change, duplicate),
        None => AttemptError::Driver(error),
    };
    let documents = connection.database.collection::<BsonDocument>(change.collection().name);
    let written = match change {
        Change::Insert { collection, id, json, unique_keys } => {
            let document = inserted(collection, *id, json, unique_keys, commit)?;
            let insert = documents.insert_one(document).optional(options.comment.clone(), InsertOne::comment);
            insert.session(&mut *session).await.map_err(named)?;
            1
        }
        Change::Update { collection, id, expected, json, unique_keys } => {
            let stored = stored_objects(&documents, session, collection, *id, options).await?;
            let update = updated(collection, json, unique_keys, commit, &stored)?;
            let update = documents.update_one(at_version(*id, *expected), update);
            let update = update.optional(options.comment.clone(), Update::comment);
            update.session(&mut *session).await.map_err(named)?.matched_count
        }
        Change::Delete { id, expected, .. } => {
            let delete = documents.delete_one(at_version(*id, *expected));
            let delete = delete.optional(options.comment.clone(), Delete::comment);
            delete.session(&mut *session).await?.deleted_count
        }
    };
    if written == 0 {
        let conflict = StoreError::VersionConflict { collection: change.collection().name, id: change.id() };
        return Err(AttemptError::Known(conflict));
    }
    Ok(())
}

/// Reads the stored values of declared objects, whose undeclared fields an update preserves.
async fn stored_objects(
    documents: &::mongodb::Collection<BsonDocument>,
    session: &mut ClientSession,
    collection: &'static Collection,
    id: ObjectId,
    options: &CommandOptions,
) -> Result<BsonDocument, Error> {
    let names = objects(collection);
    if names.is_empty() {
        return Ok(BsonDocument::new());
    }
    let shown: BsonDocument = names.into_iter().map(|name| (name.to_owned(), 1.into())).collect();
    let find = documents.find_one(doc! { "_id": object_id(id) }).projection(shown);
    let find = find.optional(options.comment.clone(), FindOne::comment);
    let found = find.session(session).await?;
    Ok(found.unwrap_or_default())
}

async fn check<'a>(
    connection: &Connection,
    session: &mut ClientSession,
    commit: ObjectId,
    guard: &Guard,
    options: &CommandOptions,
) -> Result<(), AttemptError<'a>> {
    let documents = connection.database.collection::<BsonDocument>(guard.collection.name);
    let failed = || AttemptError::Known(StoreError::GuardFailed { collection: guard.collection.name, id: guard.id });
    match guard.expect {
        Expectation::Version(version) => {
            // The commit's id differs in every commit, so this always changes the document.
            let lock = doc! { "$set": { LOCK_FIELD: object_id(commit) } };
            let update = documents.update_one(at_version(guard.id, version), lock);
            let update = update.optional(options.comment.clone(), Update::comment);
            let locked = update.session(&mut *session).await?;
            if locked.matched_count == 0 { Err(failed()) } else { Ok(()) }
        }
        Expectation::Absent => {
            let id = doc! { "_id": object_id(guard.id) };
            let insert = documents.insert_one(id.clone()).optional(options.comment.clone(), InsertOne::comment);
            let inserted = insert.session(&mut *session).await;
            inserted.map_err(|error| match Duplicate::of(&error) {
                Some(_) => failed(),
                None => AttemptError::Driver(error),
            })?;
            let delete = documents.delete_one(id).optional(options.comment.clone(), Delete::comment);
            delete.session(&mut *session).await?;
            Ok(())
        }
    }
}

/// Returns the filter for a document at this version.
///
/// Documents that Dezky never wrote have no version, which counts as 0; comparing with null matches a missing field.
fn at_version(id: ObjectId, version: u64) -> BsonDocument {
    // No document has a version beyond 63 bits.
    let number = i64::try_from(version).unwrap_or(i64::MAX);
    if version == 0 {
        doc! { "_id": object_id(id), "version": { "$in": [0_i64, ::mongodb::bson::Bson::Null] } }
    } else {
        doc! { "_id": object_id(id), "version": number }
    }
}
