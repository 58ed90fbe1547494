//! A separate database for each test. They are removed with the server: dropping one while a lost transaction is open
//! on it would wait for that.

use std::sync::Arc;

use async_trait::async_trait;
use dezky::{
    domain::ObjectId,
    store::{
        Collection, SharedStore,
        conformance::{COLLECTIONS, Fixture},
        mongodb::{MongodbOptions, MongodbStore},
    },
    test_kit::mongodb_server::shared_uri,
};
use mongodb::{
    Client, Database,
    bson::{Bson, Document, doc, oid},
};

use crate::proxy::{Loss, Proxy};

/// A database, and a store that connects through a proxy that can lose answers.
pub(crate) struct MongodbFixture {
    pub(crate) store: SharedStore,
    pub(crate) database: Database,
    pub(crate) proxy: Proxy,
    pub(crate) uri: String,
}

/// Creates a store over an empty database.
pub(crate) async fn fixture() -> MongodbFixture {
    let uri = shared_uri().unwrap();
    let client = Client::with_uri_str(&uri).await.unwrap();
    let database = client.default_database().unwrap();
    let (_, rest) = uri.split_once("://").unwrap();
    let (address, name) = rest.split_once('/').unwrap();
    let proxy = Proxy::start(address.parse().unwrap()).await;
    let store = open(&format!("mongodb://{}/{name}?directConnection=true", proxy.address));
    MongodbFixture { store, database, proxy, uri }
}

pub(crate) fn open(uri: &str) -> SharedStore {
    Arc::new(MongodbStore::open(uri, MongodbOptions::default(), &COLLECTIONS).unwrap())
}

pub(crate) fn object_id(id: ObjectId) -> oid::ObjectId {
    oid::ObjectId::from_bytes(id.bytes())
}

#[async_trait]
impl Fixture for MongodbFixture {
    fn store(&self) -> SharedStore {
        Arc::clone(&self.store)
    }

    async fn second(&self) -> SharedStore {
        open(&self.uri)
    }

    async fn put_raw(&self, collection: &'static Collection, id: ObjectId, path: &str, value: serde_json::Value) {
        let value = mongodb::bson::serialize_to_bson(&value).unwrap();
        let documents = self.database.collection::<Document>(collection.name);
        let update = doc! { "$set": { path: value } };
        let result = documents.update_one(doc! { "_id": object_id(id) }, update).await.unwrap();
        assert_eq!(result.matched_count, 1);
    }

    async fn raw(&self, collection: &'static Collection, id: ObjectId, path: &str) -> Option<serde_json::Value> {
        let documents = self.database.collection::<Document>(collection.name);
        let mut found = Bson::Document(documents.find_one(doc! { "_id": object_id(id) }).await.unwrap()?);
        for name in path.split('.') {
            found = found.as_document()?.get(name)?.clone();
        }
        Some(serde_json::to_value(found).unwrap())
    }

    async fn lose_next_acknowledgement(&self) -> bool {
        self.proxy.lose(Loss::Answers(1));
        true
    }

    // The test server performs few transactions concurrently.
    fn rounds(&self) -> usize {
        10
    }
}
