//! Tests of documents of the replaced service, with no versions and with types unknown to the core.

use dezky::{
    clock::Timestamp,
    context::RequestContext,
    domain::ObjectId,
    store::{
        Commit, Entity, Query, Repository, SCHEMA_VERSION, StoreError,
        conformance::{ACCOUNTS, Account, Address},
    },
};
use mongodb::bson::{Binary, Bson, DateTime, Decimal128, Document, doc, spec::BinarySubtype};

use crate::fixture::{MongodbFixture, fixture, object_id, open};

fn context() -> RequestContext {
    RequestContext::system("legacy")
}

async fn written_by_mongoose(fixture: &MongodbFixture) -> (ObjectId, Document) {
    // The store has created its collections, so that the insertion below is indexed.
    fixture.store.health(&context()).await.unwrap();
    let (id, tenant) = (ObjectId::generate(), ObjectId::generate());
    let document = doc! {
        "_id": object_id(id),
        "createdAt": DateTime::from_millis(1_700_000_000_123),
        "updatedAt": DateTime::from_millis(-1),
        "tenantId": object_id(tenant),
        "name": "Åse \"quoted\"\n",
        "rank": 7_i32,
        "active": true,
        "joinedAt": DateTime::from_millis(1_700_000_000_000),
        "note": Bson::Null,
        "scores": [1.0, 2_i32, 3_i64],
        "address": {
            "street": "Main", "number": 5.0, "primary": false,
            "price": "12.50".parse::<Decimal128>().unwrap(),
        },
        "price": "9999999999.99".parse::<Decimal128>().unwrap(),
        "picture": Binary { subtype: BinarySubtype::Generic, bytes: vec![0, 159, 255] },
        "ratio": 0.25,
        "__v": 3_i32,
    };
    fixture.database.collection::<Document>(ACCOUNTS.name).insert_one(&document).await.unwrap();
    (id, document)
}

async fn stored(fixture: &MongodbFixture, id: ObjectId) -> Document {
    let documents = fixture.database.collection::<Document>(ACCOUNTS.name);
    documents.find_one(doc! { "_id": object_id(id) }).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_the_replaced_service_are_read() {
    let fixture = fixture().await;
    let (id, _) = written_by_mongoose(&fixture).await;
    let document = fixture.store.get(&context(), &ACCOUNTS, id).await.unwrap().unwrap();
    assert_eq!((document.id, document.version), (id, 0));
    let json: serde_json::Value = serde_json::from_str(&document.json).unwrap();
    assert_eq!(json["createdAt"], "2023-11-14T22:13:20.123Z");
    assert_eq!(json["updatedAt"], "1969-12-31T23:59:59.999Z");
    assert_eq!(json["version"], 0);
    assert_eq!(json["address"]["price"], "12.50");
    assert_eq!(json.get("note"), None);
    let account: Account = document.decode(&ACCOUNTS).unwrap();
    assert_eq!(account.name, "Åse \"quoted\"\n");
    assert_eq!((account.rank, account.scores.as_slice()), (7, [1, 2, 3].as_slice()));
    let address = account.address.unwrap();
    assert_eq!((address.number, address.street.as_str()), (5, "Main"));
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_the_replaced_service_are_updated_and_keep_what_is_not_declared() {
    let fixture = fixture().await;
    let (id, before) = written_by_mongoose(&fixture).await;
    let account: Account = fixture.store.load(&context(), id).await.unwrap().unwrap();
    let next = account.changed(|account| {
        account.updated_at = Timestamp::from_milliseconds(1_800_000_000_001);
        account.email = Some("aase@example.org".to_owned());
        account.address.as_mut().unwrap().street = "Side".to_owned();
    });
    let mut commit = Commit::new();
    commit.update(&next, account.version()).unwrap();
    fixture.store.commit(&context(), &commit).await.unwrap();

    assert_eq!(fixture.store.load::<Account>(&context(), id).await.unwrap(), Some(next.clone()));
    let after = stored(&fixture, id).await;
    for field in ["price", "picture", "ratio", "__v"] {
        assert_eq!(after.get(field), before.get(field), "{field}");
    }
    let address = after.get_document("address").unwrap();
    assert_eq!(address.get("price"), before.get_document("address").unwrap().get("price"));
    assert_eq!(after.get("updatedAt"), Some(&Bson::DateTime(DateTime::from_millis(1_800_000_000_001))));
    assert_eq!(after.get("version"), Some(&Bson::Int64(1)));
    assert!(matches!(after.get("tenantId"), Some(Bson::ObjectId(_))));
    assert_eq!(after.get("note"), None);
    // It has a version now, so a writer that read it before is refused.
    let mut outdated = Commit::new();
    outdated.update(&next, 0).unwrap();
    let conflict = fixture.store.commit(&context(), &outdated).await;
    assert_eq!(conflict, Err(StoreError::VersionConflict { collection: ACCOUNTS.name, id }));
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_replace_what_is_none() {
    let fixture = fixture().await;
    let (id, _) = written_by_mongoose(&fixture).await;
    let documents = fixture.database.collection::<Document>(ACCOUNTS.name);
    let none = doc! { "$set": { "address": Bson::Null, "version": 4.0 } };
    documents.update_one(doc! { "_id": object_id(id) }, none).await.unwrap();
    let account: Account = fixture.store.load(&context(), id).await.unwrap().unwrap();
    assert_eq!((account.version, &account.address), (4, &None));
    let address =
        Address { street: "New".to_owned(), number: 1, primary: true, owner_id: None, since: None, location: None };
    let next = account.changed(|account| account.address = Some(address));
    let mut commit = Commit::new();
    commit.update(&next, 4).unwrap();
    fixture.store.commit(&context(), &commit).await.unwrap();
    assert_eq!(fixture.store.load::<Account>(&context(), id).await.unwrap(), Some(next));
}

#[tokio::test(flavor = "multi_thread")]
async fn items_of_lists_keep_what_is_not_declared_for_as_long_as_they_are_the_same() {
    let fixture = fixture().await;
    let (id, _) = written_by_mongoose(&fixture).await;
    let (person, added) = (object_id(ObjectId::generate()), DateTime::from_millis(1));
    let item = |label: &str, number: i32| doc! { "_id": number, "label": label, "personId": person, "addedAt": added };
    let documents = fixture.database.collection::<Document>(ACCOUNTS.name);
    let items = vec![item("one", 1), item("two", 2), item("two", 3), item("four", 4)];
    documents.update_one(doc! { "_id": object_id(id) }, doc! { "$set": { "contacts": items } }).await.unwrap();
    let account: Account = fixture.store.load(&context(), id).await.unwrap().unwrap();
    // Another order, one changed, and another one equal to a former one.
    let next = account.changed(|account| {
        account.contacts.swap(0, 1);
        account.contacts[3].label = "changed".to_owned();
        account.contacts.push(account.contacts[1].clone());
    });
    let mut commit = Commit::new();
    commit.update(&next, account.version()).unwrap();
    fixture.store.commit(&context(), &commit).await.unwrap();
    let contacts = stored(&fixture, id).await.get_array("contacts").unwrap().clone();
    let told: Vec<_> = contacts
        .iter()
        .map(|one| {
            (one.as_document().unwrap().get_str("label").unwrap(), one.as_document().unwrap().get_i32("_id").ok())
        })
        .collect();
    assert_eq!(told, [("two", Some(2)), ("one", Some(1)), ("two", Some(3)), ("changed", None), ("one", None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unique_index_that_others_have_made_is_named_when_it_refuses() {
    let fixture = fixture().await;
    let (id, _) = written_by_mongoose(&fixture).await;
    let accounts = fixture.database.collection::<Document>(ACCOUNTS.name);
    let unique = mongodb::options::IndexOptions::builder().unique(true).name("tenantId_1".to_owned()).build();
    let index = mongodb::IndexModel::builder().keys(doc! { "tenantId": 1 }).options(unique).build();
    accounts.create_index(index).await.unwrap();
    let account: Account = fixture.store.load(&context(), id).await.unwrap().unwrap();
    let mut commit = Commit::new();
    commit.insert(&Account { id: ObjectId::generate(), version: 1, ..account }).unwrap();
    let refused = fixture.store.commit(&context(), &commit).await.unwrap_err();
    assert_eq!(refused, StoreError::DuplicateKey { collection: ACCOUNTS.name, key: "index:tenantId_1".to_owned() });
    let error = dezky::Error::from(refused);
    assert_eq!(error.code(), "foreign_index");
    assert!(error.message().contains("`tenantId_1`") && error.message().contains("drop it"), "{}", error.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_cannot_be_read_is_named() {
    let fixture = fixture().await;
    fixture.store.health(&context()).await.unwrap();
    let documents = fixture.database.collection::<Document>(ACCOUNTS.name);
    documents.insert_one(doc! { "_id": "a text", "name": "odd" }).await.unwrap();
    let found = fixture.store.find(&context(), &Query::new(&ACCOUNTS)).await;
    assert!(matches!(found, Err(StoreError::Corrupt { id: None, .. })), "{found:?}");
}

/// A database of the previous release, with documents without terms, and one of the replaced service.
#[tokio::test(flavor = "multi_thread")]
async fn documents_of_an_earlier_release_are_found_by_words_once_it_is_opened() {
    let fixture = fixture().await;
    let (legacy, _) = written_by_mongoose(&fixture).await;
    let tenant = ObjectId::generate();
    let mut commit = Commit::new();
    let written: Vec<Account> =
        (0..700).map(|number| Account::new(tenant, &format!("Old {number} Word{}", number % 7))).collect();
    written.iter().for_each(|account| commit.insert(account).unwrap());
    fixture.store.commit(&context(), &commit).await.unwrap();
    let documents = fixture.database.collection::<Document>(ACCOUNTS.name);
    documents.update_many(doc! {}, doc! { "$unset": { "_words": "" } }).await.unwrap();
    let meta = fixture.database.collection::<Document>("dezky_meta");
    meta.update_one(doc! { "_id": "schema" }, doc! { "$set": { "version": 1_i64 } }).await.unwrap();
    let query = Query::new(&ACCOUNTS).sort(ACCOUNTS.index("by_word").unwrap()).equal("_words", "nword3").limit(1_000);
    for _ in 0..2 {
        let opened = open(&fixture.uri);
        assert_eq!(opened.find(&context(), &query).await.unwrap().len(), 100);
    }
    assert!(!stored(&fixture, legacy).await.contains_key("_words"), "it is the migration's");
    let marks = meta.find_one(doc! { "_id": "terms" }).await.unwrap();
    assert_eq!(marks, None);
    // A rename by a process of that release meanwhile, without terms, is corrected by the next process.
    let renamed = doc! { "$set": { "name": "New", "updatedAt": DateTime::now(), "version": 2_i64 } };
    documents.update_one(doc! { "_id": object_id(written[3].id) }, renamed).await.unwrap();
    let begun = doc! { "_id": "terms", "since": DateTime::from_millis(DateTime::now().timestamp_millis() - 60_000) };
    meta.insert_one(begun).await.unwrap();
    let opened = open(&fixture.uri);
    assert_eq!(opened.find(&context(), &query).await.unwrap().len(), 99);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused() {
    let fixture = fixture().await;
    let meta = fixture.database.collection::<Document>("dezky_meta");
    meta.insert_one(doc! { "_id": "schema", "version": i64::from(SCHEMA_VERSION + 1) }).await.unwrap();
    let refused = fixture.store.health(&context()).await;
    assert_eq!(refused, Err(StoreError::NewerSchema { found: SCHEMA_VERSION + 1, known: SCHEMA_VERSION }));
    let refused = fixture.store.get(&context(), &ACCOUNTS, ObjectId::generate()).await;
    assert_eq!(refused, Err(StoreError::NewerSchema { found: SCHEMA_VERSION + 1, known: SCHEMA_VERSION }));
}
