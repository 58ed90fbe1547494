//! Reads: of the primary, of what a majority has.

use std::time::Instant;

use ::mongodb::{bson::doc, error::Error, options::Hint};

use super::{
    Shared,
    encode::object_id,
    failure::{is_lost, is_unreachable, translate},
    json,
    patience::{Backoff, remaining},
    translate::{conditions, hint, order},
};
use crate::{
    domain::ObjectId,
    store::{Collection, Document, Query, StoreError, StoreResult},
};

/// Attempts of a read whose connection breaks; the driver makes two of each.
const ATTEMPTS: u32 = 3;

/// Largest batch in which documents come; most queries fit in one.
const BATCH: u32 = 1_000;

/// What can end a read: the driver, or a document that cannot be read.
enum Obstacle {
    Driver(Error),
    Document(StoreError),
}

impl From<Error> for Obstacle {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

/// Repeats a read whose connection breaks. When no server can be chosen it ends: that wait was bounded already.
async fn retried<T, R>(read: impl Fn() -> R) -> StoreResult<T>
where
    R: Future<Output = Result<T, Obstacle>>,
{
    let mut backoff = Backoff::default();
    loop {
        match read().await {
            Ok(value) => return Ok(value),
            Err(Obstacle::Document(error)) => return Err(error),
            Err(Obstacle::Driver(error)) => {
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
    deadline: Instant,
    collection: &'static Collection,
    id: ObjectId,
) -> StoreResult<Option<Document>> {
    let documents = &shared.connected().await?.collection(collection);
    retried(move || async move {
        let filter = doc! { "_id": object_id(id) };
        let found = documents.find_one(filter).max_time(remaining(deadline)).await?;
        found.map(|raw| json::document(collection, &raw)).transpose().map_err(Obstacle::Document)
    })
    .await
}

pub(super) async fn find(shared: &Shared, deadline: Instant, query: &Query) -> StoreResult<Vec<Document>> {
    let documents = &shared.connected().await?.collection(query.collection);
    // To MongoDB a limit of 0 is none.
    if query.limit == 0 {
        return Ok(Vec::new());
    }
    retried(move || async move {
        let mut find = documents
            .find(conditions(query))
            .sort(order(query))
            .limit(i64::from(query.limit))
            .batch_size(query.limit.min(BATCH))
            .max_time(remaining(deadline));
        if let Some(keys) = hint(query) {
            find = find.hint(Hint::Keys(keys));
        }
        let mut cursor = find.await?;
        let mut found = Vec::new();
        while cursor.advance().await? {
            found.push(json::document(query.collection, cursor.current()).map_err(Obstacle::Document)?);
        }
        Ok(found)
    })
    .await
}

pub(super) async fn count(shared: &Shared, deadline: Instant, query: &Query) -> StoreResult<u64> {
    let documents = &shared.connected().await?.collection(query.collection);
    if query.limit == 0 {
        return Ok(0);
    }
    retried(move || async move {
        let count =
            documents.count_documents(conditions(query)).limit(u64::from(query.limit)).max_time(remaining(deadline));
        Ok(count.await?)
    })
    .await
}

/// The plan that the server chooses for a query, as extended JSON.
#[cfg(feature = "test-kit")]
pub(super) async fn explain(shared: &Shared, query: &Query) -> StoreResult<String> {
    let mut find = doc! {
        "find": query.collection.name,
        "filter": conditions(query),
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
