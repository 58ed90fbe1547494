//! Tests of lost answers, restarted servers, and URIs with weaker guarantees than the store needs.

use std::time::Duration;

use dezky::{
    context::RequestContext,
    domain::ObjectId,
    store::{
        Commit, Repository, SharedStore, Store, StoreError,
        conformance::{ACCOUNTS, Account, COLLECTIONS},
        mongodb::{MongodbOptions, MongodbStore},
    },
    test_kit::mongodb_server::{MongodbServer, shared_uri},
};
use mongodb::bson::{Document, doc};

use crate::{
    fixture::{fixture, open},
    proxy::Loss,
};

fn context() -> RequestContext {
    RequestContext::system("recovery")
}

/// Returns a commit of an update and an insertion, and the resulting states.
async fn prepared(store: &SharedStore) -> (Commit, Account, Account) {
    let counter = Account::new(ObjectId::generate(), "counter");
    let mut first = Commit::new();
    first.insert(&counter).unwrap();
    store.commit(&context(), &first).await.unwrap();
    let counted = counter.changed(|account| account.rank = 1);
    let event = Account::new(ObjectId::generate(), "event");
    let mut commit = Commit::new();
    commit.update(&counted, counter.version).unwrap();
    commit.insert(&event).unwrap();
    (commit, counted, event)
}

async fn assert_happened(store: &SharedStore, counted: &Account, event: &Account) {
    assert_eq!(store.load::<Account>(&context(), counted.id).await.unwrap().as_ref(), Some(counted));
    assert_eq!(store.load::<Account>(&context(), event.id).await.unwrap().as_ref(), Some(event));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_arrived_is_reported_although_every_answer_is_lost() {
    let fixture = fixture().await;
    let (commit, counted, event) = prepared(&fixture.store).await;
    fixture.proxy.lose(Loss::Answers(1_000));
    fixture.store.commit(&context(), &commit).await.unwrap();
    assert_ne!(fixture.proxy.outstanding(), Loss::Answers(1_000), "no answer was lost");
    fixture.proxy.lose(Loss::None);
    assert_happened(&fixture.store, &counted, &event).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_inserts_nothing_is_resolved_too() {
    let fixture = fixture().await;
    let (_, counted, _) = prepared(&fixture.store).await;
    let account: Account = fixture.store.load(&context(), counted.id).await.unwrap().unwrap();
    let mut commit = Commit::new();
    commit.delete(&account);
    fixture.proxy.lose(Loss::Answers(1_000));
    fixture.store.commit(&context(), &commit).await.unwrap();
    assert_ne!(fixture.proxy.outstanding(), Loss::Answers(1_000), "no answer was lost");
    assert_eq!(fixture.store.load::<Account>(&context(), account.id).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_request_is_lost_happens_once() {
    let fixture = fixture().await;
    let (commit, counted, event) = prepared(&fixture.store).await;
    // The driver itself retries once.
    fixture.proxy.lose(Loss::Requests(4));
    fixture.store.commit(&context(), &commit).await.unwrap();
    assert_eq!(fixture.proxy.outstanding(), Loss::None);
    assert_happened(&fixture.store, &counted, &event).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_never_arrives_is_not_reported_as_done() {
    let fixture = fixture().await;
    let (commit, counted, event) = prepared(&fixture.store).await;
    fixture.proxy.lose(Loss::Requests(u32::MAX));
    let hurried = context().with_timeout(Duration::from_secs(2));
    assert_eq!(fixture.store.commit(&hurried, &commit).await, Err(StoreError::Timeout));
    let counter: Account = fixture.store.load(&context(), counted.id).await.unwrap().unwrap();
    assert_eq!(counter.rank, 0);
    assert_eq!(fixture.store.load::<Account>(&context(), event.id).await.unwrap(), None);
}

// On one thread, since the kernel ends the server with it.
#[tokio::test]
async fn a_killed_server_is_unavailable_and_a_restarted_one_is_used_again() {
    let mut server = MongodbServer::start().await.unwrap();
    let store = open(&format!("{}?serverSelectionTimeoutMS=500", server.uri_for("recovery")));
    let (commit, counted, event) = prepared(&store).await;
    server.kill().unwrap();
    let health = store.health(&context()).await;
    assert!(matches!(&health, Err(StoreError::Unavailable { detail }) if !detail.is_empty()), "{health:?}");
    let read = store.get(&context(), &ACCOUNTS, counted.id).await;
    assert!(matches!(read, Err(StoreError::Unavailable { .. })), "{read:?}");
    let refused = store.commit(&context(), &commit).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    server.restart().await.unwrap();
    recovered(&store).await;
    let counter: Account = store.load(&context(), counted.id).await.unwrap().unwrap();
    assert_eq!(counter.rank, 0, "what was acknowledged is there, what was refused is not");
    store.commit(&context(), &commit).await.unwrap();
    assert_happened(&store, &counted, &event).await;
}

#[tokio::test]
async fn a_store_that_was_opened_before_its_server_ensures_its_indexes_later() {
    let mut server = MongodbServer::start().await.unwrap();
    server.kill().unwrap();
    let store = open(&format!("{}?serverSelectionTimeoutMS=500", server.uri_for("late")));
    let health = store.health(&context()).await;
    assert!(matches!(health, Err(StoreError::Unavailable { .. })), "{health:?}");
    server.restart().await.unwrap();
    recovered(&store).await;
    prepared(&store).await;
    let client = mongodb::Client::with_uri_str(server.uri()).await.unwrap();
    let names = client.database("late").collection::<Document>(ACCOUNTS.name).list_index_names().await.unwrap();
    assert!(names.iter().any(|name| name == "uniqueKeys_1"), "{names:?}");
    assert!(names.iter().any(|name| name == "tenantId_1_name_1__id_1"), "{names:?}");
}

/// Waits until the driver notices that the server is back, which takes at least half a second.
async fn recovered(store: &SharedStore) {
    for _ in 0..60 {
        if store.health(&context()).await.is_ok() {
            return;
        }
    }
    panic!("the store did not recover: {:?}", store.health(&context()).await);
}

#[tokio::test]
async fn a_wrong_uri_is_a_mistake_of_the_configuration_and_keeps_its_password_to_itself() {
    for uri in
        ["", "localhost:27017", "mongodb://", "http://localhost", "mongodb://a:geheim@:99999999/x", "mongodb://h/a.b"]
    {
        let refused = MongodbStore::open(uri, MongodbOptions::default(), &COLLECTIONS).map(|_| ());
        assert!(matches!(&refused, Err(StoreError::Configuration { .. })), "{uri}: {refused:?}");
        assert!(!format!("{refused:?}").contains("geheim"), "{refused:?}");
    }
    let store = MongodbStore::open("mongodb://a:geheim@h/x", MongodbOptions::default(), &COLLECTIONS).unwrap();
    assert!(!format!("{store:?}").contains("geheim"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_uri_does_not_weaken_reads_and_writes() {
    let uri = shared_uri().unwrap();
    let weak = format!("{uri}?readPreference=secondary&readConcernLevel=local&w=0&retryWrites=false");
    let store = MongodbStore::open(&weak, MongodbOptions::default(), &COLLECTIONS).unwrap();
    let account = Account::new(ObjectId::generate(), "durable");
    let mut commit = Commit::new();
    commit.insert(&account).unwrap();
    store.commit(&context(), &commit).await.unwrap();
    // With `w=0` this would be acknowledged before it is checked.
    let taken = store.commit(&context(), &commit).await;
    let key = format!("id:{}", account.id);
    assert_eq!(taken, Err(StoreError::DuplicateKey { collection: ACCOUNTS.name, key }));
    // With reads from secondaries there would be no server to read from.
    assert_eq!(store.load::<Account>(&context(), account.id).await.unwrap(), Some(account));
    let client = mongodb::Client::with_uri_str(&uri).await.unwrap();
    client.default_database().unwrap().run_command(doc! { "dropDatabase": 1 }).await.unwrap();
}
