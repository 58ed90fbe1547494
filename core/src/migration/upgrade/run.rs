//! State that a run keeps in the database besides the upgraded documents, and the commands it consists of.

use std::sync::atomic::{AtomicBool, Ordering};

use ::mongodb::{Database, bson::doc};
use bson::{Bson, Document as BsonDocument, RawDocumentBuf};

use super::Report;
use crate::{
    clock::Timestamp,
    context::SystemActor,
    domain::{AuditActor, AuditEvent, AuditEventId, AuditResource, ObjectId, audit::AUDIT_EVENTS},
    store::{
        StoreError, StoreResult,
        mongodb::{
            UNIQUE_KEYS_FIELD, canonical,
            connection::{META, UPGRADED},
            encode::object_id,
            transfer::{add, repeated},
        },
    },
};

/// Document in the store's own collection that marks an upgrade in progress.
const UPGRADE: &str = "upgrade";

/// Maximum number of findings listed about the database as a whole, per kind.
const LISTED: i64 = 1_000;

/// A run. Its audit event is created with the first change and written at the end, possibly by a later run.
#[derive(Debug)]
pub(super) struct Run {
    database: Database,
    now: Timestamp,
    id: ObjectId,
    begun: AtomicBool,
}

impl Run {
    /// Resumes an interrupted run, or prepares a new one.
    pub(super) async fn open(database: Database, now: Timestamp, dry_run: bool) -> StoreResult<Self> {
        let meta = database.collection::<BsonDocument>(META);
        let found = repeated(|| async { meta.find_one(doc! { "_id": UPGRADE }).await }).await?;
        let broken_off = found.and_then(|run| run.get_object_id("run").ok()).filter(|_| !dry_run);
        Ok(Self {
            database,
            now,
            id: broken_off.map_or_else(ObjectId::generate, |id| ObjectId::from_bytes(id.bytes())),
            begun: AtomicBool::new(broken_off.is_some()),
        })
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Records, before the first change, that a run is in progress.
    pub(super) async fn begin(&self) -> StoreResult<()> {
        if self.begun.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let meta = self.database.collection::<BsonDocument>(META);
        let set = doc! { "$set": { "run": object_id(self.id) } };
        repeated(|| async { meta.update_one(doc! { "_id": UPGRADE }, set.clone()).upsert(true).await.map(drop) }).await
    }

    /// Writes the audit event, if this run or one that it resumed changed anything.
    pub(super) async fn finish(&self, report: &Report) -> StoreResult<()> {
        if report.dry_run {
            return Ok(());
        }
        let meta = self.database.collection::<BsonDocument>(META);
        let done = doc! { "$setOnInsert": { "run": object_id(self.id) } };
        repeated(|| async { meta.update_one(doc! { "_id": UPGRADED }, done.clone()).upsert(true).await.map(drop) })
            .await?;
        if !self.begun.load(Ordering::Relaxed) {
            return Ok(());
        }
        let event = AuditEvent {
            id: AuditEventId(self.id),
            version: 1,
            at: self.now,
            actor: AuditActor::part(SystemActor::Migrate),
            action: "store.migrate".to_owned(),
            resource: AuditResource { resource_type: "store".to_owned(), id: self.id },
            tenant_id: None,
            user_id: None,
            request_id: self.id.to_string(),
            client_request_id: None,
            changed_fields: ["memberships", "subscriptions", "tenants", "users"].map(str::to_owned).to_vec(),
            removed: None,
            checkpoint: None,
            details_digest: None,
            seq: None,
            hash: None,
            chain: None,
            unsealed: Some(true),
        };
        let unsupported = |detail: String| StoreError::Unsupported { detail };
        let json = serde_json::to_string(&event).map_err(|error| unsupported(error.to_string()))?;
        let mut document = doc! { "_id": object_id(self.id) };
        document.extend(canonical::to_bson(&AUDIT_EVENTS, &json).map_err(unsupported)?);
        add(&self.database, AUDIT_EVENTS.name, &[document]).await?;
        repeated(|| async { meta.delete_one(doc! { "_id": UPGRADE }).await.map(drop) }).await
    }
}

/// Executes the statements of an `update` command.
///
/// Returns the documents whose change was prevented by the unique key of another one.
pub(super) async fn update(
    database: &Database,
    collection: &'static str,
    statements: Vec<BsonDocument>,
) -> StoreResult<Vec<(ObjectId, String)>> {
    let command = doc! {
        "update": collection,
        "updates": statements.clone(),
        "ordered": false,
        "writeConcern": { "w": "majority", "j": true },
    };
    let answer = repeated(|| async { database.run_command(command.clone()).await }).await?;
    if let Ok(failed) = answer.get_document("writeConcernError") {
        return Err(StoreError::Unavailable { detail: failed.to_string() });
    }
    let mut refused = Vec::new();
    for error in answer.get_array("writeErrors").into_iter().flatten().filter_map(Bson::as_document) {
        let statement = error.get_i32("index").ok().and_then(|index| usize::try_from(index).ok());
        let id = statement
            .and_then(|index| statements.get(index))
            .and_then(|statement| statement.get_document("q").ok()?.get_object_id("_id").ok());
        match (error.get_i32("code"), id) {
            (Ok(11_000), Some(id)) => {
                refused.push((ObjectId::from_bytes(id.bytes()), error.get_str("errmsg").unwrap_or_default().to_owned()))
            }
            _ => return Err(StoreError::Unavailable { detail: error.to_string() }),
        }
    }
    Ok(refused)
}

/// Lists unique indexes that this software did not create.
pub(super) async fn unique_indexes(database: &Database, collection: &'static str) -> StoreResult<Vec<String>> {
    let documents = database.collection::<BsonDocument>(collection);
    let listed = repeated(|| async {
        let mut cursor = match documents.list_indexes().await {
            Ok(cursor) => cursor,
            // 26, NamespaceNotFound: the collection does not exist.
            Err(error) if matches!(error.kind.as_ref(), ::mongodb::error::ErrorKind::Command(c) if c.code == 26) => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        while cursor.advance().await? {
            found.push(cursor.deserialize_current()?);
        }
        Ok(found)
    })
    .await?;
    let foreign = listed.into_iter().filter(|index| {
        index.options.as_ref().is_some_and(|options| options.unique == Some(true))
            && !index.keys.contains_key(UNIQUE_KEYS_FIELD)
            && !index.keys.contains_key("_id")
    });
    Ok(foreign.map(|index| format!("unique index on {}", index.keys)).collect())
}

/// Finds ids that are not ObjectIds.
pub(super) async fn foreign_ids(database: &Database, collection: &'static str) -> StoreResult<Vec<String>> {
    let documents = database.collection::<RawDocumentBuf>(collection);
    let filter = doc! { "_id": { "$not": { "$type": "objectId" } } };
    repeated(|| async {
        let mut cursor = documents.find(filter.clone()).projection(doc! { "_id": 1 }).limit(LISTED).await?;
        let mut found = Vec::new();
        while cursor.advance().await? {
            let id = cursor.current().get("_id").ok().flatten();
            found.push(format!("its `_id` is no ObjectId: {id:?}"));
        }
        Ok(found)
    })
    .await
}
