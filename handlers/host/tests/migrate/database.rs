//! A separate database for each test, with the documents of the replaced service.

use std::{collections::BTreeMap, process::Output, sync::Arc};

use dezky::test_kit::mongodb_server::{MongodbServer, shared_uri, unique_database};
use mongodb::{
    Client, Database,
    bson::{Binary, Bson, DateTime, Document, doc, oid::ObjectId, spec::BinarySubtype},
};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::support::dezky;

pub(crate) struct Legacy {
    pub(crate) uri: String,
    pub(crate) database: Database,
    folder: tempfile::TempDir,
    /// Its server, unless it is the one shared by all tests.
    server: Option<Arc<Mutex<MongodbServer>>>,
}

/// Every document of every collection, by id.
pub(crate) type Dump = BTreeMap<String, BTreeMap<String, Document>>;

impl Legacy {
    pub(crate) async fn empty() -> Self {
        Self::at(shared_uri().unwrap(), None).await
    }

    /// Makes an empty database on its own server.
    ///
    /// It is for many documents, whose writers would conflict repeatedly on the shared server, and for killed
    /// processes, whose transactions would block others for a minute.
    pub(crate) async fn alone() -> Self {
        let server = MongodbServer::start().await.unwrap();
        Self::at(server.uri_for(&unique_database()), Some(Arc::new(Mutex::new(server)))).await
    }

    /// Makes another empty database on the same server.
    pub(crate) async fn beside(&self) -> Self {
        match &self.server {
            None => Self::empty().await,
            Some(server) => {
                let uri = server.lock().await.uri_for(&unique_database());
                Self::at(uri, Some(Arc::clone(server))).await
            }
        }
    }

    /// Kills and restarts its own server.
    pub(crate) async fn restart(&self) {
        self.server.as_ref().unwrap().lock().await.restart().await.unwrap();
    }

    async fn at(uri: String, server: Option<Arc<Mutex<MongodbServer>>>) -> Self {
        let database = Client::with_uri_str(&uri).await.unwrap().default_database().unwrap();
        Self { uri, database, folder: tempfile::tempdir().unwrap(), server }
    }

    pub(crate) async fn insert(&self, collection: &str, document: Document) {
        self.database.collection::<Document>(collection).insert_one(document).await.unwrap();
    }

    pub(crate) async fn update(&self, collection: &str, filter: Document, update: Document) {
        let result = self.database.collection::<Document>(collection).update_one(filter, update).await.unwrap();
        assert_eq!(result.matched_count, 1);
    }

    pub(crate) async fn document(&self, collection: &str, id: ObjectId) -> Document {
        self.database.collection(collection).find_one(doc! { "_id": id }).await.unwrap().unwrap()
    }

    pub(crate) async fn all(&self, collection: &str) -> Vec<Document> {
        let mut found = Vec::new();
        let mut cursor = self.database.collection::<Document>(collection).find(doc! {}).await.unwrap();
        while cursor.advance().await.unwrap() {
            found.push(cursor.deserialize_current().unwrap());
        }
        found
    }

    pub(crate) async fn dump(&self) -> Dump {
        let mut dump = Dump::new();
        for name in self.database.list_collection_names().await.unwrap() {
            let documents = self.all(&name).await;
            dump.insert(name, documents.into_iter().map(|one| (one.get("_id").unwrap().to_string(), one)).collect());
        }
        dump
    }

    /// Runs `dezky migrate` on this database, and returns exit code and report.
    pub(crate) fn migrate(&self, arguments: &[&str]) -> (i32, Value) {
        let mut all = vec!["migrate", "--json", "--store", &self.uri];
        all.extend(arguments);
        report(&self.run(&all))
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        dezky(self.folder.path()).args(arguments).output().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

/// Returns the exit code, and the JSON on standard output.
pub(crate) fn report(output: &Output) -> (i32, Value) {
    let text = String::from_utf8_lossy(&output.stdout);
    let value = serde_json::from_str(&text).unwrap_or_else(|_| {
        panic!("no report: {text}\n{}", String::from_utf8_lossy(&output.stderr));
    });
    (output.status.code().unwrap(), value)
}

/// Returns an id that sorts by its number.
pub(crate) fn id(number: u32) -> ObjectId {
    let mut bytes = [0x65, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    ObjectId::from_bytes(bytes)
}

fn stamped(mut document: Document) -> Document {
    document.insert("createdAt", DateTime::from_millis(1_700_000_000_123));
    document.insert("updatedAt", DateTime::from_millis(1_710_000_000_456));
    document.insert("__v", 3_i32);
    document
}

/// Returns fields unknown to Dezky, one of each type that JSON lacks or represents differently.
pub(crate) fn unknown() -> Document {
    doc! {
        "price": "12.50".parse::<mongodb::bson::Decimal128>().unwrap(),
        "picture": Binary { subtype: BinarySubtype::Generic, bytes: vec![0, 159, 255] },
        "ratio": 2.0, "count": 7_i32, "large": 1_i64 << 60, "nothing": Bson::Null,
        "pattern": Bson::RegularExpression(mongodb::bson::Regex {
            pattern: "^a".try_into().unwrap(), options: "i".try_into().unwrap(),
        }),
        "nested": { "since": DateTime::from_millis(-5), "list": [1_i32, 2.5, "x", { "ref": id(1) }] },
    }
}

pub(crate) fn tenant(number: u32, slug: &str, group: Option<&str>) -> Document {
    let mut document = stamped(doc! {
        "_id": id(number), "slug": slug, "name": format!("Tenant {slug}"), "status": "active", "plan": "starter",
        "domains": ["example.eu"], "billingInfo": { "company": "Å AB", "legacy": 5.0 },
    });
    if let Some(group) = group {
        document.insert("authentikGroup", group);
    }
    document.insert("legacy", unknown());
    document
}

pub(crate) fn user(number: u32, subject: &str, tenants: &[u32]) -> Document {
    stamped(doc! {
        "_id": id(number), "authentikSubjectId": subject, "email": format!("{subject}@Example.eu"),
        "name": format!("ÅSA {subject}"), "role": "user", "platformAdmin": false,
        "tenantIds": tenants.iter().map(|number| id(*number)).collect::<Vec<_>>(), "legacy": unknown(),
    })
}

pub(crate) fn subscription(number: u32, tenant: u32, status: &str) -> Document {
    stamped(doc! { "_id": id(number), "tenantId": id(tenant), "plan": "starter", "status": status, "seats": 5.0 })
}
