//! Promises about whole commits: they are atomic, and visible as soon as they are acknowledged.

use std::task::Poll;

use super::{
    ACCOUNTS, Account, Fixture,
    entities::{context, insert, load, update},
};
use crate::{
    domain::ObjectId,
    store::{Commit, Expectation, Query, Repository, StoreError},
};

/// If the last of several changes fails, nothing is written and no key is taken.
pub async fn a_failing_last_change_undoes_all_others(fixture: &impl Fixture) {
    let store = fixture.store();
    let tenant = ObjectId::generate();
    let kept = Account::new(tenant, "kept");
    let doomed = Account::new(tenant, "doomed");
    insert(&store, &[kept.clone(), doomed.clone()]).await.unwrap();
    let mut fresh = Account::new(tenant, "fresh");
    fresh.email = Some("fresh@example.org".to_owned());
    let missing = Account::new(tenant, "missing");
    let mut commit = Commit::new();
    commit.update(&kept.changed(|account| account.rank = 1), kept.version).unwrap();
    commit.delete(&doomed);
    commit.insert(&fresh).unwrap();
    commit.update(&missing.changed(|_| ()), missing.version).unwrap();
    let refused = store.commit(&context(), &commit).await;
    assert_eq!(refused, Err(StoreError::VersionConflict { collection: ACCOUNTS.name, id: missing.id }));
    assert_eq!(load(&store, kept.id).await, Some(kept));
    assert_eq!(load(&store, doomed.id).await, Some(doomed));
    assert_eq!(load(&store, fresh.id).await, None);
    let key = "email:fresh@example.org".to_owned();
    assert_eq!(store.load_unique::<Account>(&context(), key).await.unwrap(), None);
    assert_eq!(store.find(&context(), &Query::new(&ACCOUNTS).limit(10)).await.unwrap().len(), 2);
}

/// A failing guard undoes every change of its commit.
pub async fn a_failing_guard_undoes_all_changes(fixture: &impl Fixture) {
    let store = fixture.store();
    let tenant = ObjectId::generate();
    let kept = Account::new(tenant, "kept");
    insert(&store, std::slice::from_ref(&kept)).await.unwrap();
    let fresh = Account::new(tenant, "fresh");
    let absent = ObjectId::generate();
    let mut commit = Commit::new();
    commit.update(&kept.changed(|account| account.rank = 1), kept.version).unwrap();
    commit.insert(&fresh).unwrap();
    commit.expect(&ACCOUNTS, absent, Expectation::Version(1));
    let refused = store.commit(&context(), &commit).await;
    assert_eq!(refused, Err(StoreError::GuardFailed { collection: ACCOUNTS.name, id: absent }));
    assert_eq!(load(&store, kept.id).await, Some(kept));
    assert_eq!(load(&store, fresh.id).await, None);
}

/// A commit whose future is dropped after any number of polls has its whole effect or none.
pub async fn a_dropped_commit_happens_whole_or_not_at_all(fixture: &impl Fixture) {
    let store = fixture.store();
    let tenant = ObjectId::generate();
    let counter = Account::new(tenant, "counter");
    insert(&store, std::slice::from_ref(&counter)).await.unwrap();
    let mut written = Vec::new();
    for polls in 0..fixture.rounds().min(30) {
        let before = load(&store, counter.id).await.unwrap();
        let pair = [Account::new(tenant, "left"), Account::new(tenant, "right")];
        let mut commit = Commit::new();
        commit.update(&before.changed(|account| account.rank += 1), before.version).unwrap();
        commit.insert(&pair[0]).unwrap();
        commit.insert(&pair[1]).unwrap();
        poll_and_drop(polls % 6, store.commit(&context(), &commit)).await;
        written.push(pair);
        // Commit after it: once this one is through, the dropped one has happened or never will. If it conflicts with
        // the dropped one, it starts again.
        loop {
            let now = load(&store, counter.id).await.unwrap();
            if update(&store, &now, &now.changed(|account| account.scores.push(1))).await.is_ok() {
                break;
            }
        }
    }
    let mut happened = 0;
    for [left, right] in &written {
        let (left, right) = (load(&store, left.id).await, load(&store, right.id).await);
        assert_eq!(left.is_some(), right.is_some(), "half a commit");
        happened += i64::from(left.is_some());
    }
    assert_eq!(load(&store, counter.id).await.unwrap().rank, happened, "half a commit");
}

/// Polls a future a number of times, yielding in between, and drops it.
async fn poll_and_drop(polls: usize, future: impl Future) {
    let mut future = Box::pin(future);
    for _ in 0..polls {
        let done = std::future::poll_fn(|task| Poll::Ready(future.as_mut().poll(task).is_ready())).await;
        if done {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// A read that starts after the acknowledgement sees the commit, on every handle and for every kind of read.
pub async fn an_acknowledged_commit_is_seen_at_once(fixture: &impl Fixture) {
    let (store, second) = (fixture.store(), fixture.second().await);
    let tenant = ObjectId::generate();
    for number in 1..=fixture.rounds() {
        let mut account = Account::new(tenant, "seen");
        account.email = Some(format!("{number}@example.org"));
        let (writer, reader) = if number % 2 == 0 { (&store, &second) } else { (&second, &store) };
        insert(writer, std::slice::from_ref(&account)).await.unwrap();
        for handle in [reader, writer] {
            assert_eq!(load(handle, account.id).await.as_ref(), Some(&account));
            let key = format!("email:{number}@example.org");
            let found = handle.load_unique::<Account>(&context(), key).await.unwrap();
            assert_eq!(found.as_ref(), Some(&account));
            let query = Query::new(&ACCOUNTS).equal("tenantId", tenant).limit(1_000);
            assert_eq!(handle.find(&context(), &query).await.unwrap().len(), number);
        }
    }
}

/// A commit whose answer was lost is reported as successful, and has happened once.
pub async fn a_lost_acknowledgement_is_resolved(fixture: &impl Fixture) {
    let store = fixture.store();
    let tenant = ObjectId::generate();
    let mut counter = Account::new(tenant, "counter");
    insert(&store, std::slice::from_ref(&counter)).await.unwrap();
    for _ in 0..3 {
        if !fixture.lose_next_acknowledgement().await {
            return;
        }
        let next = counter.changed(|account| account.rank += 1);
        let mut fresh = Account::new(tenant, "fresh");
        fresh.email = Some(format!("{}@example.org", next.rank));
        let mut commit = Commit::new();
        commit.update(&next, counter.version).unwrap();
        commit.insert(&fresh).unwrap();
        store.commit(&context(), &commit).await.unwrap();
        assert_eq!(load(&store, next.id).await.as_ref(), Some(&next));
        assert_eq!(load(&store, fresh.id).await, Some(fresh));
        counter = next;
    }
}
