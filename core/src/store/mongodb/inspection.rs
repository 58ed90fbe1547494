//! Inspects a database without preparing it.

use ::mongodb::bson::{Document as BsonDocument, doc};

use super::{
    MongodbStore, Shared, UNIQUE_KEYS_FIELD,
    connection::{META, check_server, is_upgraded, stored_schema},
    failure::translate,
    legacy,
    patience::bounded,
    translate::index_keys,
};
use crate::{
    context::RequestContext,
    store::{Collection, Inspection, StoreResult},
};

impl MongodbStore {
    /// Inspects the database without creating anything that is missing.
    ///
    /// # Errors
    /// [`crate::store::StoreError::Unavailable`] if it does not answer or is not a replica set, and
    /// [`crate::store::StoreError::Timeout`].
    pub async fn inspect(&self, context: &RequestContext) -> StoreResult<Inspection> {
        bounded(context.deadline, inspect(&self.shared)).await
    }
}

async fn inspect(shared: &Shared) -> StoreResult<Inspection> {
    let connection = shared.handles().await?;
    check_server(connection).await?;
    let mut missing = Vec::new();
    for collection in shared.collections {
        missing.extend(missing_indexes(&connection.database, collection).await?);
    }
    let meta = connection.database.collection::<BsonDocument>(META);
    let mark = doc! { "$currentDate": { "at": true } };
    let written = meta.update_one(doc! { "_id": "health" }, mark).upsert(true).await;
    Ok(Inspection {
        schema_version: stored_schema(connection).await?,
        missing,
        not_upgraded: legacy::waiting(&connection.database, shared.collections).await?,
        upgraded: is_upgraded(connection).await?,
        not_writable: written.err().map(|error| translate(&error).to_string()),
    })
}

async fn missing_indexes(database: &::mongodb::Database, collection: &Collection) -> StoreResult<Vec<String>> {
    let models = legacy::indexes(database, collection.name).await?;
    let found: Vec<BsonDocument> = models.into_iter().map(|model| model.keys).collect();
    let there = |keys: &BsonDocument| found.iter().any(|found| same_keys(found, keys));
    let declared = collection.indexes.iter().map(|index| (index.name, index_keys(index)));
    let declared = declared.filter(|(_, keys)| keys.len() > 1);
    let unique = [("unique_keys", doc! { UNIQUE_KEYS_FIELD: 1 })];
    let missing = declared.chain(unique).filter(|(_, keys)| !there(keys));
    Ok(missing.map(|(name, _)| format!("index {}.{name}", collection.name)).collect())
}

/// Compares index keys. Servers return numbers of other types than they were given.
fn same_keys(found: &BsonDocument, keys: &BsonDocument) -> bool {
    found.keys().eq(keys.keys())
}
