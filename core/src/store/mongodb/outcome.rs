//! Drives a commit until it is known if it happened: retries, and resolution of lost answers.

use ::mongodb::{
    ClientSession,
    bson::{Document as BsonDocument, RawDocumentBuf, doc},
};

use super::{
    COMMIT_FIELD, LOCK_FIELD, Shared, UNIQUE_KEYS_FIELD,
    attempt::{AttemptError, begin, is_single_write, write},
    command::CommandOptions,
    connection::{COMMITS, Connection},
    encode::object_id,
    failure::{Duplicate, is_lost, is_transient, is_unreachable, translate},
    patience::Backoff,
};
use crate::store::{Change, Commit, StoreError, StoreResult, error::OTHER_INDEX};

/// The result of an attempt.
enum Attempt {
    /// Final.
    Ended(StoreResult<()>),
    /// Aborted by a transient error.
    Undone(StoreError),
    /// It may or may not have happened.
    Uncertain(StoreError),
}

/// Attempts a commit until it has happened or cannot.
pub(super) async fn carry_out(shared: &Shared, commit: &Commit, options: &CommandOptions) -> StoreResult<()> {
    let connection = shared.connected().await?;
    let mut backoff = Backoff::default();
    let mut uncertain = false;
    loop {
        let error = match attempt(connection, commit, options).await {
            Attempt::Ended(Ok(())) => return Ok(()),
            // An earlier attempt may be the cause of this conflict.
            Attempt::Ended(Err(error)) if uncertain => {
                return match (has_happened(connection, commit).await?, is_single_update(commit)) {
                    (true, _) => Ok(()),
                    // Another writer may have come after it and replaced its mark.
                    (false, true) => Err(StoreError::Timeout),
                    (false, false) => Err(error),
                };
            }
            Attempt::Ended(Err(error)) => return Err(error),
            Attempt::Undone(error) => error,
            Attempt::Uncertain(error) => {
                if has_happened(connection, commit).await? {
                    return Ok(());
                }
                uncertain = true;
                error
            }
        };
        tracing::debug!(commit = %commit.id, attempts = backoff.attempts(), %error, "a commit is attempted again");
        if !backoff.wait().await {
            return Err(error);
        }
    }
}

async fn attempt(connection: &Connection, commit: &Commit, options: &CommandOptions) -> Attempt {
    let single = is_single_write(commit);
    let mut session = match connection.client.start_session().await {
        Ok(session) => session,
        Err(error) => return Attempt::Ended(Err(translate(&error))),
    };
    if !single && let Err(error) = begin(&mut session, options.deadline).await {
        return Attempt::Ended(Err(translate(&error)));
    }
    match write(connection, &mut session, commit, options).await {
        Ok(()) if single => Attempt::Ended(Ok(())),
        Ok(()) => settle(connection, &mut session, commit).await,
        Err(error) => {
            if !single && let Err(error) = session.abort_transaction().await {
                // The server ends it when the session's next transaction begins, or after a minute.
                tracing::debug!(commit = %commit.id, %error, "a transaction was not ended by its client");
            }
            refused(connection, commit, error, single).await
        }
    }
}

async fn refused(connection: &Connection, commit: &Commit, error: AttemptError<'_>, single: bool) -> Attempt {
    match error {
        AttemptError::Known(error) => Attempt::Ended(Err(error)),
        AttemptError::Duplicate(change, duplicate) => match taken(connection, commit, change, &duplicate).await {
            Ok(Some(key)) => {
                Attempt::Ended(Err(StoreError::DuplicateKey { collection: change.collection().name, key }))
            }
            Ok(None) => Attempt::Undone(StoreError::Unavailable { detail: "a unique key was taken meanwhile".into() }),
            Err(error) => Attempt::Ended(Err(error)),
        },
        AttemptError::Driver(error) if is_unreachable(&error) => Attempt::Ended(Err(translate(&error))),
        AttemptError::Driver(error) if single && is_lost(&error) => Attempt::Uncertain(translate(&error)),
        AttemptError::Driver(error) if is_transient(&error) => Attempt::Undone(translate(&error)),
        AttemptError::Driver(error) => Attempt::Ended(Err(translate(&error))),
    }
}

/// Commits the transaction, retrying until the answer is known. Retries are safe, since transactions are numbered.
async fn settle(connection: &Connection, session: &mut ClientSession, commit: &Commit) -> Attempt {
    let mut backoff = Backoff::default();
    loop {
        let Err(error) = session.commit_transaction().await else { return Attempt::Ended(Ok(())) };
        if !error.contains_label("UnknownTransactionCommitResult") && !is_lost(&error) && !is_unreachable(&error) {
            // The server does not know this transaction: it was aborted, or it happened so long ago that it was
            // forgotten.
            return if is_transient(&error) {
                Attempt::Uncertain(translate(&error))
            } else {
                Attempt::Ended(Err(translate(&error)))
            };
        }
        match has_happened(connection, commit).await {
            Ok(true) => return Attempt::Ended(Ok(())),
            Ok(false) => {}
            // The server and its answer are gone; waiting for it was bounded.
            Err(_) => return Attempt::Ended(Err(StoreError::Timeout)),
        }
        if !backoff.wait().await {
            return Attempt::Ended(Err(StoreError::Timeout));
        }
    }
}

fn is_single_update(commit: &Commit) -> bool {
    is_single_write(commit) && matches!(commit.changes.as_slice(), [Change::Update { .. }])
}

/// Returns `true` if the commit happened, by looking for its insertions with its mark.
///
/// It looks beyond the last insertion, which may be an outbox event that was already processed and removed.
async fn has_happened(connection: &Connection, commit: &Commit) -> StoreResult<bool> {
    let mark = object_id(commit.id);
    let mut places: Vec<(&str, BsonDocument)> = Vec::new();
    for change in commit.changes.iter().rev() {
        match change {
            Change::Insert { collection, id, .. } => {
                places.push((collection.name, doc! { "_id": object_id(*id), COMMIT_FIELD: mark }));
            }
            Change::Update { collection, id, .. } if is_single_update(commit) => {
                places.push((collection.name, doc! { "_id": object_id(*id), LOCK_FIELD: mark }));
            }
            Change::Update { .. } | Change::Delete { .. } => {}
        }
    }
    if places.is_empty() {
        places.push((COMMITS, doc! { "_id": mark }));
    }
    for (collection, filter) in places {
        let documents = connection.database.collection::<RawDocumentBuf>(collection);
        let mut backoff = Backoff::default();
        let found = loop {
            match documents.find_one(filter.clone()).projection(doc! { "_id": 1 }).await {
                Ok(found) => break found,
                Err(error) if is_lost(&error) && !is_unreachable(&error) && backoff.wait().await => {}
                Err(error) => return Err(translate(&error)),
            }
        };
        if found.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the key that a change conflicted with; `None` if it is free again.
async fn taken(
    connection: &Connection,
    commit: &Commit,
    change: &Change,
    duplicate: &Duplicate,
) -> StoreResult<Option<String>> {
    if duplicate.is_id() {
        return Ok(Some(format!("id:{}", change.id())));
    }
    // Indexes over declared fields that Dezky did not create refuse too.
    if let Some(name) = duplicate.index()
        && !name.starts_with(UNIQUE_KEYS_FIELD)
    {
        return Ok(Some(format!("{OTHER_INDEX}{name}")));
    }
    let (Change::Insert { unique_keys, .. } | Change::Update { unique_keys, .. }) = change else { return Ok(None) };
    if let Some(key) = duplicate.quoted(unique_keys) {
        return Ok(Some(key.to_owned()));
    }
    if let [key] = unique_keys.as_slice() {
        return Ok(Some(key.clone()));
    }
    look_up(connection, commit, change, unique_keys).await
}

async fn look_up(
    connection: &Connection,
    commit: &Commit,
    change: &Change,
    keys: &[String],
) -> StoreResult<Option<String>> {
    let documents = connection.database.collection::<BsonDocument>(change.collection().name);
    for key in keys {
        let held_within = commit.changes.iter().take_while(|other| *other != change).any(|other| match other {
            Change::Insert { collection, unique_keys, .. } | Change::Update { collection, unique_keys, .. } => {
                *collection == change.collection() && unique_keys.contains(key)
            }
            Change::Delete { .. } => false,
        });
        let others = doc! { UNIQUE_KEYS_FIELD: key, "_id": { "$ne": object_id(change.id()) } };
        if held_within || documents.find_one(others).await.map_err(|error| translate(&error))?.is_some() {
            return Ok(Some(key.clone()));
        }
    }
    Ok(None)
}
