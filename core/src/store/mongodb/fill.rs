//! Adds terms to documents of an earlier release without them.
//!
//! Documents that only the replaced service has written are left to the migration.

use ::mongodb::bson::{DateTime, Document as BsonDocument, RawDocument, RawDocumentBuf, doc};
use futures_util::TryStreamExt as _;

use super::{
    connection::Connection,
    encode::{object_id, terms},
    failure::translate,
    json,
};
use crate::store::{Collection, FieldType, StoreError, StoreResult};

/// Number of documents that are read and written together.
const BATCH: i64 = 500;

/// Returns the names of a collection's fields of terms.
fn fields_of_terms(collection: &'static Collection) -> impl Iterator<Item = &'static str> {
    let is_terms = |field: &&crate::store::Field| matches!(field.field_type, FieldType::Terms(_));
    collection.fields.iter().filter(is_terms).map(|field| field.name)
}

/// Adds terms to all documents without them. May be interrupted, repeated, and run by several processes.
pub(super) async fn missing(connection: &Connection, collections: &'static [&'static Collection]) -> StoreResult<()> {
    for collection in collections {
        let Some(field) = fields_of_terms(collection).next() else { continue };
        let lacking = doc! { field: { "$exists": false }, "version": { "$exists": true } };
        all(connection, collection, lacking).await?;
    }
    Ok(())
}

/// Corrects the terms of documents written since `start` by a process of an earlier release.
pub(super) async fn since(
    connection: &Connection,
    collections: &'static [&'static Collection],
    start: DateTime,
) -> StoreResult<()> {
    for collection in collections {
        if fields_of_terms(collection).next().is_some() {
            let recent = doc! { "updatedAt": { "$gte": start }, "version": { "$exists": true } };
            all(connection, collection, recent).await?;
        }
    }
    Ok(())
}

async fn all(connection: &Connection, collection: &'static Collection, wanted: BsonDocument) -> StoreResult<()> {
    let documents = connection.collection(collection);
    let mut after = None;
    loop {
        let mut filter = wanted.clone();
        if let Some(after) = after {
            filter.insert("_id", doc! { "$gt": after });
        }
        let found = documents.find(filter).sort(doc! { "_id": 1 }).limit(BATCH).await;
        let found = found.map_err(|error| translate(&error))?;
        let found: Vec<RawDocumentBuf> = found.try_collect().await.map_err(|error| translate(&error))?;
        let Some(last) = found.last() else { return Ok(()) };
        after = last.get_object_id("_id").ok();
        let statements: Vec<BsonDocument> = found.iter().filter_map(|raw| statement(collection, raw)).collect();
        if !statements.is_empty() {
            write(connection, collection, statements).await?;
        }
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Returns the statement that sets a document's terms unless it has changed.
///
/// Returns `None` for an unreadable document: no search finds it, and reading it reports the error.
fn statement(collection: &'static Collection, raw: &RawDocument) -> Option<BsonDocument> {
    let document = json::document(collection, raw).ok()?;
    let version = raw.get("version").ok()??;
    let version = ::mongodb::bson::Bson::try_from(version).ok()?;
    let terms = terms(collection, &document.json).ok()?;
    Some(doc! { "q": { "_id": object_id(document.id), "version": version }, "u": { "$set": terms } })
}

async fn write(
    connection: &Connection,
    collection: &'static Collection,
    statements: Vec<BsonDocument>,
) -> StoreResult<()> {
    let command = doc! {
        "update": collection.name,
        "updates": statements,
        "ordered": false,
        "writeConcern": { "w": "majority", "j": true },
    };
    let answer = connection.database.run_command(command).await.map_err(|error| translate(&error))?;
    match answer.get_array("writeErrors").ok().and_then(|errors| errors.first()) {
        Some(error) => Err(StoreError::Unavailable { detail: error.to_string() }),
        None => Ok(()),
    }
}
