//! The connection, opened and prepared by the first operation that reaches a server.

use std::sync::atomic::Ordering;

use ::mongodb::{
    Client, Database, IndexModel,
    bson::{DateTime, Document as BsonDocument, RawDocumentBuf, doc},
    options::IndexOptions,
};

use super::{
    Shared, UNIQUE_KEYS_FIELD,
    failure::translate,
    fill, legacy,
    options::{DEFAULT_DATABASE, client_options},
    translate::index_keys,
};
use crate::store::{Collection, SCHEMA_VERSION, StoreError, StoreResult};

/// Collection with the schema version.
pub(crate) const META: &str = "dezky_meta";

/// Document of [`META`] that marks a finished upgrade of the replaced service's documents.
pub(crate) const UPGRADED: &str = "upgraded";

/// Document of [`META`] with the time since which documents of an earlier release are being given terms.
const FILLING: &str = "terms";

/// Collection with the marks of commits that insert nothing, kept for a day.
pub(super) const COMMITS: &str = "dezky_commits";

const COMMITS_KEPT: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

/// Handles of the driver, which connects by itself and reconnects after a failure.
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) database: Database,
}

impl Connection {
    /// Returns a collection as raw documents.
    pub(super) fn collection(&self, collection: &'static Collection) -> ::mongodb::Collection<RawDocumentBuf> {
        self.database.collection(collection.name)
    }
}

impl Shared {
    /// Returns the connection to a database with the schema and indexes of this release.
    pub(super) async fn connected(&self) -> StoreResult<&Connection> {
        let connection = self.handles().await?;
        self.ready.get_or_try_init(|| prepare(connection, self.collections)).await?;
        Ok(connection)
    }

    pub(super) async fn handles(&self) -> StoreResult<&Connection> {
        let connect = || async {
            let options = client_options(self.uri.clone(), &self.options).await?;
            let name = options.default_database.clone();
            let client = Client::with_options(options).map_err(|error| StoreError::Configuration {
                detail: format!("the MongoDB URI is not acceptable: {error}"),
            })?;
            let database = client.database(name.as_deref().filter(|name| !name.is_empty()).unwrap_or(DEFAULT_DATABASE));
            Ok(Connection { client, database })
        };
        self.connection.get_or_try_init(connect).await
    }
}

/// Checks the server and the schema version, then creates missing indexes.
///
/// It is idempotent and may run in several processes at the same time.
async fn prepare(connection: &Connection, collections: &'static [&'static Collection]) -> StoreResult<()> {
    check_server(connection).await?;
    check_schema(connection).await?;
    for collection in collections {
        connection
            .collection(collection)
            .create_indexes(indexes(collection))
            .await
            .map_err(|error| index_failure(collection, &error))?;
    }
    let expiring = IndexModel::builder()
        .keys(doc! { "at": 1 })
        .options(IndexOptions::builder().expire_after(COMMITS_KEPT).build())
        .build();
    let commits = connection.database.collection::<BsonDocument>(COMMITS);
    commits.create_index(expiring).await.map_err(|error| translate(&error))?;
    let meta = connection.database.collection::<BsonDocument>(META);
    let failed = |error: ::mongodb::error::Error| translate(&error);
    if stored_schema(connection).await?.is_some_and(|found| found < SCHEMA_VERSION) {
        tracing::info!("documents of an earlier release are prepared to be searched by words");
        let start = doc! { "$setOnInsert": { "since": DateTime::now() } };
        meta.update_one(doc! { "_id": FILLING }, start).upsert(true).await.map_err(failed)?;
        fill::missing(connection, collections).await?;
    }
    let version = doc! { "$max": { "version": i64::from(SCHEMA_VERSION) } };
    meta.update_one(doc! { "_id": "schema" }, version).upsert(true).await.map_err(failed)?;
    // From now on processes of an earlier release are not ready. Documents that they wrote until then are filled next.
    let filling = meta.find_one(doc! { "_id": FILLING }).await.map_err(failed)?;
    if let Some(since) = filling.and_then(|filling| filling.get_datetime("since").ok().copied()) {
        fill::since(connection, collections, since).await?;
        meta.delete_one(doc! { "_id": FILLING }).await.map_err(failed)?;
    }
    Ok(())
}

/// Checks that the server supports transactions.
pub(super) async fn check_server(connection: &Connection) -> StoreResult<()> {
    let hello = connection.database.run_command(doc! { "hello": 1 }).await.map_err(|error| translate(&error))?;
    if !hello.contains_key("setName") && !hello.get_str("msg").is_ok_and(|message| message == "isdbgrid") {
        return Err(StoreError::Unavailable {
            detail: "MongoDB runs without a replica set, so without transactions: start it with `--replSet`, and \
                     initiate the set, which may have a single member"
                .to_owned(),
        });
    }
    Ok(())
}

pub(super) async fn check_schema(connection: &Connection) -> StoreResult<()> {
    match stored_schema(connection).await? {
        Some(found) if found > SCHEMA_VERSION => Err(StoreError::NewerSchema { found, known: SCHEMA_VERSION }),
        _ => Ok(()),
    }
}

/// Reads the schema version of the database. An unreadable one counts as newer than any known version.
pub(super) async fn stored_schema(connection: &Connection) -> StoreResult<Option<u32>> {
    let meta = connection.database.collection::<BsonDocument>(META);
    let schema = meta.find_one(doc! { "_id": "schema" }).await.map_err(|error| translate(&error))?;
    let Some(schema) = schema else { return Ok(None) };
    let found = schema
        .get_i64("version")
        .or_else(|_| schema.get_i32("version").map(i64::from))
        .ok()
        .and_then(|version| u32::try_from(version).ok());
    Ok(Some(found.unwrap_or(u32::MAX)))
}

fn indexes(collection: &'static Collection) -> Vec<IndexModel> {
    let unique = IndexModel::builder()
        .keys(doc! { UNIQUE_KEYS_FIELD: 1 })
        .options(IndexOptions::builder().unique(true).sparse(true).build())
        .build();
    let mut keys: Vec<BsonDocument> = Vec::new();
    for index in collection.indexes.iter().map(index_keys) {
        // MongoDB itself maintains the index on the id alone.
        if index.len() > 1 && !keys.contains(&index) {
            keys.push(index);
        }
    }
    let declared = keys.into_iter().map(|keys| IndexModel::builder().keys(keys).build());
    declared.chain([unique]).collect()
}

fn index_failure(collection: &Collection, error: &::mongodb::error::Error) -> StoreError {
    match translate(error) {
        StoreError::Unavailable { detail } => StoreError::Unavailable {
            detail: format!("the indexes of `{}` cannot be ensured: {detail}", collection.name),
        },
        other => other,
    }
}

/// Checks that the primary accepts writes, and reads from it with majority concern.
///
/// A write at each probe would cost a durable commit on every machine of the set.
pub(super) async fn check(shared: &Shared) -> StoreResult<()> {
    let connection = shared.connected().await?;
    let hello = connection.database.run_command(doc! { "hello": 1 }).await.map_err(|error| translate(&error))?;
    if !hello.get_bool("isWritablePrimary").unwrap_or(true) {
        return Err(StoreError::Unavailable { detail: "the MongoDB server that answers accepts no writes".to_owned() });
    }
    check_schema(connection).await?;
    if shared.upgraded.load(Ordering::Acquire) {
        return Ok(());
    }
    // Documents that could not be upgraded need manual action; everything else works.
    if !is_upgraded(connection).await? {
        let waiting = legacy::waiting(&connection.database, shared.collections).await?;
        if !waiting.is_empty() {
            return Err(StoreError::NotUpgraded { waiting });
        }
    }
    shared.upgraded.store(true, Ordering::Release);
    Ok(())
}

/// Returns `true` if an upgrade has finished.
pub(super) async fn is_upgraded(connection: &Connection) -> StoreResult<bool> {
    let meta = connection.database.collection::<BsonDocument>(META);
    let mark = meta.find_one(doc! { "_id": UPGRADED }).await.map_err(|error| translate(&error))?;
    Ok(mark.is_some())
}
