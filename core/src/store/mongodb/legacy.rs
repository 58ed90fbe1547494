//! Documents that only the replaced service has written, and indexes that it left.

use ::mongodb::{
    Database, IndexModel,
    bson::{Bson, Document as BsonDocument, doc},
    options::Hint,
};
use futures_util::TryStreamExt as _;

use super::{UNIQUE_KEYS_FIELD, failure, failure::translate, translate::index_keys};
use crate::store::{Collection, StoreResult};

/// Error code of a missing collection (MongoDB error codes, `NamespaceNotFound`).
const NAMESPACE_NOT_FOUND: i32 = 26;

/// Returns the indexes of a collection, empty if it does not exist.
pub(super) async fn indexes(database: &Database, collection: &str) -> StoreResult<Vec<IndexModel>> {
    match database.collection::<BsonDocument>(collection).list_indexes().await {
        Ok(cursor) => cursor.try_collect().await.map_err(|error| translate(&error)),
        Err(error) if failure::code(&error) == Some(NAMESPACE_NOT_FOUND) => Ok(Vec::new()),
        Err(error) => Err(translate(&error)),
    }
}

/// Returns `true` if an index is unique and not created by Dezky.
pub(crate) fn is_foreign(index: &IndexModel) -> bool {
    index.options.as_ref().is_some_and(|options| options.unique == Some(true))
        && !index.keys.contains_key(UNIQUE_KEYS_FIELD)
        && !index.keys.contains_key("_id")
}

/// Returns the collections with documents that were not upgraded, and the foreign unique indexes on them.
///
/// These indexes will refuse people who sign in. A document that was not upgraded lacks derived fields, so it is at the
/// start of an index on one.
pub(super) async fn waiting(
    database: &Database,
    collections: &'static [&'static Collection],
) -> StoreResult<Vec<String>> {
    let mut waiting = Vec::new();
    for collection in collections {
        let by_derived = collection.indexes.iter().find_map(|index| {
            let field = collection.field(index.fields.first()?)?;
            field.derived.map(|_| (index, field.name))
        });
        let Some((index, field)) = by_derived else { continue };
        let found = indexes(database, collection.name).await?;
        let documents = database.collection::<BsonDocument>(collection.name);
        let mut find = documents
            .find_one(doc! { field: Bson::Null, "version": { "$exists": false } })
            .projection(doc! { "_id": 1 });
        // An inspection may run before the index is created.
        if found.iter().any(|model| model.keys.keys().eq(index_keys(index).keys())) {
            find = find.hint(Hint::Keys(index_keys(index)));
        }
        if find.await.map_err(|error| translate(&error))?.is_none() {
            continue;
        }
        let refusing: Vec<String> =
            found.iter().filter(|index| is_foreign(index)).map(|index| index.keys.to_string()).collect();
        waiting.push(if refusing.is_empty() {
            format!("`{}`", collection.name)
        } else {
            format!("`{}` (with unique indexes of it: {})", collection.name, refusing.join(", "))
        });
    }
    Ok(waiting)
}
