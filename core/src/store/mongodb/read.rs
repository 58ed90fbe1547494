//! Reads, from the primary and with majority concern.

use std::sync::atomic::Ordering;

use ::mongodb::{
    action::{Action as _, Aggregate, Find},
    bson::{Document as BsonDocument, RawDocumentBuf, doc},
    error::Error,
    options::Hint,
    raw_batch_cursor::{RawBatch, RawBatchCursor},
};
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::{
    Shared,
    command::CommandOptions,
    encode::object_id,
    failure::{code, is_lost, is_unreachable, translate},
    json,
    patience::{Backoff, remaining},
    together::{self, Aggregation},
    translate::{conditions, hint, order},
};
use crate::{
    object_id::ObjectId,
    store::{Collection, Document, Query, Read, StoreError, StoreResult},
};

/// Attempts of a read whose connection breaks; the driver itself makes two of each.
const ATTEMPTS: u32 = 3;

/// Maximum batch size; most queries fit in one batch.
const BATCH: u32 = 1_000;

/// Error codes of an aggregation whose result, or a part of it, exceeds the document size limit.
///
/// They are Location4568 of `$lookup`, and BSONObjectTooLarge with its predecessors.
const TOO_MUCH: [i32; 4] = [4_568, 10_334, 13_548, 17_419];

/// Error codes of older servers.
///
/// Before 5.0 a `$lookup` has either fields or a pipeline, and before 5.1 it cannot join a sharded collection.
const NOT_KNOWN: [i32; 4] = [9, 28_769, 40_181, 51_069];

/// The cause of a failed read: the driver, or a document that cannot be decoded.
enum ReadError {
    Driver(Error),
    Document(StoreError),
}

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

/// Retries a read whose connection breaks. Does not retry if no server could be selected, which was waited for already.
async fn retried<T, R>(read: impl Fn() -> R) -> StoreResult<T>
where
    R: Future<Output = Result<T, ReadError>>,
{
    let mut backoff = Backoff::default();
    loop {
        match read().await {
            Ok(value) => return Ok(value),
            Err(ReadError::Document(error)) => return Err(error),
            Err(ReadError::Driver(error)) => {
                let passing = is_lost(&error) && !is_unreachable(&error);
                if !passing || backoff.attempts().saturating_add(1) >= ATTEMPTS || !backoff.wait().await {
                    return Err(translate(&error));
                }
            }
        }
    }
}

pub(super) async fn get(
    shared: &Shared,
    options: &CommandOptions,
    collection: &'static Collection,
    id: ObjectId,
) -> StoreResult<Option<Document>> {
    let documents = &shared.connected().await?.collection(collection);
    retried(move || async move {
        let filter = doc! { "_id": object_id(id) };
        // A negative limit requests a single batch.
        let find = documents.find(filter).limit(-1).max_time(remaining(options.deadline));
        let mut batches = find.optional(options.comment.clone(), Find::comment).batch().await?;
        Ok(collect(collection, &mut batches).await?.pop())
    })
    .await
}

pub(super) async fn find(shared: &Shared, options: &CommandOptions, query: &Query) -> StoreResult<Vec<Document>> {
    let documents = &shared.connected().await?.collection(query.collection);
    // In MongoDB a limit of 0 means no limit.
    if query.limit == 0 {
        return Ok(Vec::new());
    }
    retried(move || async move {
        let mut find = documents
            .find(conditions(query, &query.sort_fields()))
            .sort(order(query))
            .limit(i64::from(query.limit))
            .batch_size(query.limit.min(BATCH))
            .max_time(remaining(options.deadline))
            .optional(options.comment.clone(), Find::comment);
        if let Some(keys) = hint(query) {
            find = find.hint(Hint::Keys(keys));
        }
        collect(query.collection, &mut find.batch().await?).await
    })
    .await
}

/// Decodes documents directly from the server's answer.
async fn collect(collection: &'static Collection, batches: &mut RawBatchCursor) -> Result<Vec<Document>, ReadError> {
    let mut found = Vec::new();
    while let Some(batch) = batches.next().await {
        for raw in batch?.doc_slices()? {
            let raw = raw.map_err(Error::from)?;
            if let Some(raw) = raw.as_document() {
                found.push(json::document(collection, raw).map_err(ReadError::Document)?);
            }
        }
    }
    Ok(found)
}

/// Answers several queries by one aggregation; `None` if the queries or their answers do not allow it.
pub(super) async fn together(
    shared: &Shared,
    options: &CommandOptions,
    reads: &[Read],
) -> StoreResult<Option<Vec<Vec<Document>>>> {
    if shared.apart.load(Ordering::Relaxed) {
        return Ok(None);
    }
    let failed = |error: Error| translate(&error);
    if let (Some(stages), [parents, following]) = (together::nested(reads), reads) {
        let query = &parents.query;
        let found = aggregate(shared, options, query.collection.name, &stages, hint(query)).await?;
        let Some(batches) = found else { return Ok(None) };
        let (mut those, mut followers) = (Vec::new(), Vec::new());
        for batch in &batches {
            for raw in batch.doc_slices().map_err(failed)? {
                let raw = raw.map_err(|error| failed(error.into()))?;
                let Some(raw) = raw.as_document() else { continue };
                those.push(json::document(query.collection, raw)?);
                followers.extend(together::followers(following.query.collection, raw)?);
            }
        }
        return Ok(Some(vec![those, followers]));
    }
    let Some(Aggregation { collection, stages }) = together::aggregation(reads) else { return Ok(None) };
    let Some(batches) = aggregate(shared, options, collection, &stages, None).await? else { return Ok(None) };
    let Some(batch) = batches.first() else { return Ok(None) };
    let Some(row) = batch.doc_slices().map_err(failed)?.into_iter().next() else { return Ok(None) };
    let row = row.map_err(|error| failed(error.into()))?;
    row.as_document().map(|row| together::answers(reads, row)).transpose()
}

/// Runs an aggregation and returns its batches; `None` if the server cannot do it.
async fn aggregate(
    shared: &Shared,
    options: &CommandOptions,
    collection: &str,
    stages: &[BsonDocument],
    hint: Option<BsonDocument>,
) -> StoreResult<Option<Vec<RawBatch>>> {
    let documents = &shared.connected().await?.database.collection::<RawDocumentBuf>(collection);
    let hint = &hint;
    retried(move || async move {
        let mut asked = documents
            .aggregate(stages.iter().cloned())
            .batch_size(BATCH)
            .max_time(remaining(options.deadline))
            .optional(options.comment.clone(), Aggregate::comment);
        if let Some(keys) = hint.clone() {
            asked = asked.hint(Hint::Keys(keys));
        }
        match asked.batch().await {
            Ok(batches) => Ok(Some(batches.try_collect().await?)),
            // The answers do not fit into one document.
            Err(error) if code(&error).is_some_and(|code| TOO_MUCH.contains(&code)) => Ok(None),
            Err(error) if code(&error).is_some_and(|code| NOT_KNOWN.contains(&code)) => {
                if !shared.apart.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "this server answers queries only one by one: use MongoDB 6.0 or later");
                }
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    })
    .await
}

/// Returns the plan that the server chooses for a query, as extended JSON.
#[cfg(feature = "test-kit")]
pub(super) async fn explain(shared: &Shared, query: &Query) -> StoreResult<String> {
    let mut find = doc! {
        "find": query.collection.name,
        "filter": conditions(query, &query.sort_fields()),
        "sort": order(query),
        "limit": i64::from(query.limit),
    };
    if let Some(keys) = hint(query) {
        find.insert("hint", keys);
    }
    let command = doc! { "explain": find, "verbosity": "queryPlanner" };
    let plan = shared.connected().await?.database.run_command(command).await.map_err(|error| translate(&error))?;
    Ok(plan.get("queryPlanner").map(ToString::to_string).unwrap_or_default())
}
