//! Promises about deadlines, health and notifications.

use std::time::{Duration, Instant};

use futures_util::StreamExt;

use super::{
    ACCOUNTS, Account, Fixture,
    entities::{context, delete, insert, load, update},
};
use crate::{
    domain::ObjectId,
    store::{Commit, Query, StoreError},
};

/// A working store reports that it is healthy.
pub async fn the_store_is_healthy(fixture: &impl Fixture) {
    fixture.store().health(&context()).await.unwrap();
    fixture.second().await.health(&context()).await.unwrap();
}

/// If the deadline has passed, every operation ends with a timeout, and the store keeps working.
pub async fn a_passed_deadline_is_a_timeout(fixture: &impl Fixture) {
    let store = fixture.store();
    let account = Account::new(ObjectId::generate(), "late");
    let mut late = context();
    late.deadline = Instant::now();
    let mut commit = Commit::new();
    commit.insert(&account).unwrap();
    let query = Query::new(&ACCOUNTS);
    assert_eq!(store.get(&late, &ACCOUNTS, account.id).await, Err(StoreError::Timeout));
    assert_eq!(store.find(&late, &query).await, Err(StoreError::Timeout));
    assert_eq!(store.read(&late, &[query.clone().into(), query.clone().into()]).await, Err(StoreError::Timeout));
    assert_eq!(store.commit(&late, &commit).await, Err(StoreError::Timeout));
    assert_eq!(store.health(&late).await, Err(StoreError::Timeout));
    assert_eq!(load(&store, account.id).await, None);
    insert(&store, std::slice::from_ref(&account)).await.unwrap();
    assert_eq!(load(&store, account.id).await, Some(account));
}

/// A listener is notified of commits made after it subscribed, on its own handle and on another.
pub async fn commits_are_noticed(fixture: &impl Fixture) {
    let (store, second) = (fixture.store(), fixture.second().await);
    let (Some(mut own), Some(mut other)) = (store.changes(), second.changes()) else { return };
    // Backends may start to watch in the background, so commit until one is noticed.
    let writing = async {
        loop {
            insert(&store, &[Account::new(ObjectId::generate(), "noticed")]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let noticing = async {
        let own = own.next().await.expect("the stream of notices goes on");
        assert!(own.collections.is_empty() || own.collections.contains(&ACCOUNTS.name), "{own:?}");
        let other = other.next().await.expect("the stream of notices goes on");
        assert!(other.collections.is_empty() || other.collections.contains(&ACCOUNTS.name), "{other:?}");
    };
    tokio::select! {
        () = noticing => {}
        () = writing => {}
        () = tokio::time::sleep(Duration::from_secs(30)) => panic!("no notice of a commit came"),
    }
}

/// Two handles on one database behave as one store.
pub async fn the_second_handle_sees_and_is_seen(fixture: &impl Fixture) {
    let (store, second) = (fixture.store(), fixture.second().await);
    let first = Account::new(ObjectId::generate(), "first");
    insert(&store, std::slice::from_ref(&first)).await.unwrap();
    let next = load(&second, first.id).await.unwrap().changed(|account| account.rank = 1);
    update(&second, &first, &next).await.unwrap();
    let outdated = update(&store, &first, &first.changed(|account| account.rank = 2)).await;
    assert!(matches!(outdated, Err(StoreError::VersionConflict { .. })), "{outdated:?}");
    delete(&store, &next).await.unwrap();
    assert_eq!(load(&second, first.id).await, None);
}
