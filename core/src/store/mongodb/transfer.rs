//! Copies of whole documents from and to MongoDB, and the raw access that an in-place upgrade needs.

use std::time::Duration;

use ::mongodb::{
    Database,
    bson::{Bson, Document as BsonDocument, RawArrayBuf, RawDocument, RawDocumentBuf, doc},
    error::{Error, ErrorKind},
};
use async_trait::async_trait;

use super::{
    MongodbStore, UNIQUE_KEYS_FIELD,
    connection::{META, check_schema},
    encode::{object_id, terms},
    failure::{Duplicate, is_transient, is_unreachable, translate},
    json,
    patience::{Backoff, bounded},
};
use crate::{
    context::RequestContext,
    domain::ObjectId,
    migration::canonical,
    store::{Collection, Document, StoreError, StoreResult, Transfer, TransferDocument},
};

/// Attempts of a command that fails by a broken connection or an election.
const ATTEMPTS: u32 = 8;

/// Longest time for one command of a migration.
const COMMAND_TIME: Duration = Duration::from_secs(120);

/// Document of the store's own collection that marks a copy in progress.
const COPY: &str = "copy";

impl MongodbStore {
    /// Returns the database, with the indexes of this release if `prepared`, otherwise unchanged.
    pub(crate) async fn database(&self, prepared: bool) -> StoreResult<Database> {
        let connection = if prepared {
            self.shared.connected().await?
        } else {
            let connection = self.shared.handles().await?;
            check_schema(connection).await?;
            connection
        };
        Ok(connection.database.clone())
    }
}

/// Decodes a stored document as the port shows it.
pub(crate) fn read_document(collection: &'static Collection, raw: &RawDocument) -> StoreResult<Document> {
    json::document(collection, raw)
}

/// Retries an idempotent command until it succeeds or fails permanently.
pub(crate) async fn repeated<T, R>(command: impl Fn() -> R) -> StoreResult<T>
where
    R: Future<Output = Result<T, Error>>,
{
    let mut backoff = Backoff::default();
    loop {
        let Ok(answer) = tokio::time::timeout(COMMAND_TIME, command()).await else { return Err(StoreError::Timeout) };
        match answer {
            Ok(value) => return Ok(value),
            Err(error) => {
                let passing = is_transient(&error) && !is_unreachable(&error);
                if !passing || backoff.attempts() >= ATTEMPTS || !backoff.wait().await {
                    return Err(translate(&error));
                }
            }
        }
    }
}

/// Returns documents with ids after `after`, ordered by id. Documents whose `_id` is not an ObjectId are skipped.
pub(crate) async fn page(
    database: &Database,
    collection: &str,
    after: Option<ObjectId>,
    limit: u32,
) -> StoreResult<Vec<RawDocumentBuf>> {
    let documents = database.collection::<RawDocumentBuf>(collection);
    let from = match after {
        Some(id) => doc! { "_id": { "$gt": object_id(id) } },
        None => doc! { "_id": { "$gte": object_id(ObjectId::from_bytes([0; 12])) } },
    };
    repeated(|| async {
        let mut cursor =
            documents.find(from.clone()).sort(doc! { "_id": 1 }).limit(i64::from(limit)).batch_size(limit).await?;
        let mut found = Vec::new();
        while cursor.advance().await? {
            found.push(cursor.current().to_owned());
        }
        Ok(found)
    })
    .await
}

/// Adds documents, skipping those whose id or unique key exists. Returns how many were added.
pub(crate) async fn add(database: &Database, collection: &str, documents: &[BsonDocument]) -> StoreResult<u64> {
    if documents.is_empty() {
        return Ok(0);
    }
    let target = database.collection::<BsonDocument>(collection);
    repeated(|| async {
        match target.insert_many(documents).ordered(false).await {
            Ok(result) => Ok(result.inserted_ids.len() as u64),
            Err(error) => match error.kind.as_ref() {
                ErrorKind::InsertMany(failed)
                    if failed.write_concern_error.is_none()
                        && failed.write_errors.iter().flatten().all(|error| error.code == 11_000) =>
                {
                    let refused = failed.write_errors.as_ref().map_or(0, Vec::len);
                    Ok(documents.len().saturating_sub(refused) as u64)
                }
                _ => Err(error),
            },
        }
    })
    .await
}

fn unique_keys(raw: &RawDocument) -> Vec<String> {
    let array: Option<RawArrayBuf> = raw.get_array(UNIQUE_KEYS_FIELD).ok().map(ToOwned::to_owned);
    let values = array.iter().flat_map(|array| array.into_iter().flatten());
    let mut keys: Vec<String> = values.filter_map(|value| value.as_str().map(str::to_owned)).collect();
    keys.sort_unstable();
    keys
}

fn exported(collection: &'static Collection, raw: &RawDocument) -> StoreResult<TransferDocument> {
    let document = json::document(collection, raw)?;
    let corrupt = |detail| StoreError::Corrupt { collection: collection.name, id: Some(document.id), detail };
    let bson = BsonDocument::try_from(raw).map_err(|error| corrupt(error.to_string()))?;
    let json = canonical::from_bson(collection, document.id, document.version, bson);
    Ok(TransferDocument { id: document.id, json: canonical::text(&json), unique_keys: unique_keys(raw) })
}

fn imported(collection: &'static Collection, document: &TransferDocument) -> StoreResult<BsonDocument> {
    let mut bson = canonical::to_bson(collection, &document.json).map_err(|detail| StoreError::Corrupt {
        collection: collection.name,
        id: Some(document.id),
        detail,
    })?;
    bson.insert("_id", object_id(document.id));
    bson.extend(terms(collection, &document.json)?);
    if !document.unique_keys.is_empty() {
        bson.insert(UNIQUE_KEYS_FIELD, document.unique_keys.clone());
    }
    Ok(bson)
}

#[async_trait]
impl Transfer for MongodbStore {
    async fn export(
        &self,
        context: &RequestContext,
        collection: &'static Collection,
        after: Option<ObjectId>,
        limit: u32,
    ) -> StoreResult<Vec<TransferDocument>> {
        bounded(context.deadline, async {
            let database = self.database(false).await?;
            let found = page(&database, collection.name, after, limit).await?;
            found.iter().map(|raw| exported(collection, raw)).collect()
        })
        .await
    }

    async fn import(
        &self,
        context: &RequestContext,
        collection: &'static Collection,
        documents: &[TransferDocument],
    ) -> StoreResult<()> {
        if documents.is_empty() {
            return Ok(());
        }
        bounded(context.deadline, async {
            let rows: Vec<BsonDocument> =
                documents.iter().map(|document| imported(collection, document)).collect::<StoreResult<_>>()?;
            let database = self.database(true).await?;
            let target = database.collection::<BsonDocument>(collection.name);
            // In order, so that an interrupted copy has added all documents up to some id.
            repeated(|| async {
                match target.insert_many(&rows).ordered(true).await {
                    // An attempt whose answer was lost has added some of them; the missing ones are added one by one.
                    Err(error)
                        if Duplicate::of(&error).is_some() || matches!(*error.kind, ErrorKind::InsertMany(_)) =>
                    {
                        for row in &rows {
                            let filter = doc! { "_id": row.get("_id").cloned().unwrap_or(Bson::Null) };
                            target.replace_one(filter, row).upsert(true).await?;
                        }
                        Ok(())
                    }
                    outcome => outcome.map(drop),
                }
            })
            .await
        })
        .await
    }

    async fn copy_mark(&self, context: &RequestContext) -> StoreResult<Option<i64>> {
        bounded(context.deadline, async {
            let meta = self.database(false).await?.collection::<BsonDocument>(META);
            let found = repeated(|| async { meta.find_one(doc! { "_id": COPY }).await }).await?;
            Ok(found.and_then(|mark| mark.get_i64("source").ok()))
        })
        .await
    }

    async fn set_copy_mark(&self, context: &RequestContext, mark: Option<i64>) -> StoreResult<()> {
        bounded(context.deadline, async {
            let meta = self.database(true).await?.collection::<BsonDocument>(META);
            repeated(|| async {
                let filter = doc! { "_id": COPY };
                match mark {
                    Some(source) => {
                        let set = doc! { "$set": { "source": source } };
                        meta.update_one(filter, set).upsert(true).await.map(drop)
                    }
                    None => meta.delete_one(filter).await.map(drop),
                }
            })
            .await
        })
        .await
    }
}
