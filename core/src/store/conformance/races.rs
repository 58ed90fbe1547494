//! Promises about concurrent commits.

use std::sync::Arc;

use tokio::{sync::Barrier, task::JoinSet};

use super::{
    ACCOUNTS, Account, Fixture,
    entities::{context, insert, load, update},
};
use crate::{
    domain::ObjectId,
    store::{Commit, Expectation, Query, Repository, SharedStore, StoreError, StoreResult},
};

/// Runs commits concurrently and returns the results in the order of the commits.
async fn together(stores: &[SharedStore], commits: Vec<Commit>) -> Vec<StoreResult<()>> {
    let barrier = Arc::new(Barrier::new(commits.len()));
    let tasks: Vec<_> = commits
        .into_iter()
        .zip(stores.iter().cloned().cycle())
        .map(|(commit, store)| {
            let barrier = Arc::clone(&barrier);
            tokio::spawn(async move {
                barrier.wait().await;
                store.commit(&context(), &commit).await
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

/// Of two commits that each change what the other depends on, exactly one happens.
pub async fn write_skew_is_prevented(fixture: &impl Fixture) {
    let stores = [fixture.store(), fixture.second().await];
    let tenant = ObjectId::generate();
    for _ in 0..fixture.rounds() {
        // Two are on call; each may leave as long as the other stays.
        let pair = [Account::new(tenant, "left"), Account::new(tenant, "right")];
        insert(&stores[0], &pair).await.unwrap();
        let leave = |who: &Account, other: &Account| {
            let mut commit = Commit::new();
            commit.update(&who.changed(|account| account.active = false), who.version).unwrap();
            commit.guard(other);
            commit
        };
        let results = together(&stores, vec![leave(&pair[0], &pair[1]), leave(&pair[1], &pair[0])]).await;
        let winner = results.iter().position(Result::is_ok).expect("one of the two commits happens");
        let loser = 1 - winner;
        let expected = StoreError::GuardFailed { collection: ACCOUNTS.name, id: pair[winner].id };
        assert_eq!(results[loser], Err(expected));
        assert!(!load(&stores[0], pair[winner].id).await.unwrap().active);
        assert!(load(&stores[0], pair[loser].id).await.unwrap().active);
    }
}

/// A write that depends on a right happens before the right's concurrent revocation, or not at all.
pub async fn a_guard_beats_a_concurrent_change_or_loses_to_it(fixture: &impl Fixture) {
    let stores = [fixture.store(), fixture.second().await];
    let tenant = ObjectId::generate();
    for _ in 0..fixture.rounds() {
        let actor = Account::new(tenant, "actor");
        insert(&stores[0], std::slice::from_ref(&actor)).await.unwrap();
        let effect = Account::new(tenant, "effect");
        let mut guarded = Commit::new();
        guarded.insert(&effect).unwrap();
        guarded.guard(&actor);
        let mut revocation = Commit::new();
        revocation.update(&actor.changed(|account| account.active = false), actor.version).unwrap();
        let results = together(&stores, vec![guarded.clone(), revocation]).await;
        results[1].as_ref().expect("nothing stands in the way of the revocation");
        let happened = load(&stores[0], effect.id).await.is_some();
        assert_eq!(happened, results[0].is_ok());
        let failed = StoreError::GuardFailed { collection: ACCOUNTS.name, id: actor.id };
        if !happened {
            assert_eq!(results[0], Err(failed.clone()));
            // And it does not happen later.
            assert_eq!(stores[0].commit(&context(), &guarded).await, Err(failed));
        }
    }
}

/// 32 writers increment a counter: each acknowledged write counts once, the others get a version conflict.
pub async fn concurrent_writers_of_one_document_never_lose_an_update(fixture: &impl Fixture) {
    const WRITERS: usize = 32;
    let stores = [fixture.store(), fixture.second().await];
    let counter = Account::new(ObjectId::generate(), "counter");
    insert(&stores[0], std::slice::from_ref(&counter)).await.unwrap();
    let attempts = fixture.rounds().div_ceil(8);
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(&stores[writer % 2]);
        let id = counter.id;
        writers.spawn(async move {
            let mut successes = 0_i64;
            for _ in 0..attempts {
                let before = load(&store, id).await.unwrap();
                match update(&store, &before, &before.changed(|account| account.rank += 1)).await {
                    Ok(()) => successes += 1,
                    Err(StoreError::VersionConflict { id: named, .. }) => assert_eq!(named, id),
                    Err(other) => panic!("{other}"),
                }
            }
            successes
        });
    }
    let successes: i64 = writers.join_all().await.into_iter().sum();
    let after = load(&stores[0], counter.id).await.unwrap();
    assert!(successes >= 1);
    assert_eq!(after.rank, successes);
    assert_eq!(after.version, 1 + u64::try_from(successes).unwrap());
}

/// Of several documents that request one unique key concurrently, one gets it and the others are told which it is.
pub async fn concurrent_inserts_of_one_unique_key_have_one_winner(fixture: &impl Fixture) {
    let stores = [fixture.store(), fixture.second().await];
    let tenant = ObjectId::generate();
    for round in 0..fixture.rounds().div_ceil(2) {
        let key = format!("{round}@example.org");
        let commits: Vec<Commit> = (0..8)
            .map(|_| {
                let mut account = Account::new(tenant, "wanting");
                account.email = Some(key.clone());
                let mut commit = Commit::new();
                commit.insert(&account).unwrap();
                commit
            })
            .collect();
        let ids: Vec<ObjectId> = commits.iter().map(|commit| commit.changes[0].id()).collect();
        let results = together(&stores, commits).await;
        let winners: Vec<usize> = (0..results.len()).filter(|number| results[*number].is_ok()).collect();
        assert_eq!(winners.len(), 1, "{results:?}");
        let taken = StoreError::DuplicateKey { collection: ACCOUNTS.name, key: format!("email:{key}") };
        assert!(results.iter().flat_map(|result| result.as_ref().err()).all(|error| *error == taken), "{results:?}");
        let holder = stores[0].load_unique::<Account>(&context(), format!("email:{key}")).await.unwrap().unwrap();
        assert_eq!(holder.id, ids[winners[0]]);
    }
}

/// Of two commits that each require the absence of the other's document, at most one happens.
pub async fn concurrent_absence_guards_have_one_winner(fixture: &impl Fixture) {
    let stores = [fixture.store(), fixture.second().await];
    let tenant = ObjectId::generate();
    for _ in 0..fixture.rounds().div_ceil(2) {
        let pair = [Account::new(tenant, "left"), Account::new(tenant, "right")];
        let unless = |who: &Account, other: &Account| {
            let mut commit = Commit::new();
            commit.insert(who).unwrap();
            commit.expect(&ACCOUNTS, other.id, Expectation::Absent);
            commit
        };
        let results = together(&stores, vec![unless(&pair[0], &pair[1]), unless(&pair[1], &pair[0])]).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        let failures = results.iter().flat_map(|result| result.as_ref().err());
        assert!(failures.into_iter().all(|error| matches!(error, StoreError::GuardFailed { .. })), "{results:?}");
    }
}

/// A query for two documents that always change together sees them equal.
pub async fn readers_never_see_half_a_commit(fixture: &impl Fixture) {
    let (store, second) = (fixture.store(), fixture.second().await);
    let tenant = ObjectId::generate();
    let mut pair = [Account::new(tenant, "left"), Account::new(tenant, "right")];
    insert(&store, &pair).await.unwrap();
    let rounds = fixture.rounds();
    let writer = tokio::spawn(async move {
        for _ in 0..rounds {
            let next = pair.each_ref().map(|account| account.changed(|account| account.rank += 1));
            let mut commit = Commit::new();
            commit.update(&next[0], pair[0].version).unwrap();
            commit.update(&next[1], pair[1].version).unwrap();
            store.commit(&context(), &commit).await.unwrap();
            pair = next;
        }
    });
    let query = Query::new(&ACCOUNTS).equal("tenantId", tenant);
    loop {
        let finished = writer.is_finished();
        let seen = second.load_all::<Account>(&context(), &query).await.unwrap();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].rank, seen[1].rank, "half a commit");
        if finished {
            break;
        }
    }
    writer.await.unwrap();
}
