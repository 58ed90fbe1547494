//! Promises about guards: the facts of a decision still hold when its effect is written.

use super::{
    ACCOUNTS, Account, Fixture,
    entities::{context, delete, insert, load, update},
};
use crate::{
    domain::ObjectId,
    store::{Commit, Expectation, StoreError, StoreResult},
};

fn named(name: &str) -> Account {
    Account::new(ObjectId::generate(), name)
}

fn failed(id: ObjectId) -> StoreResult<()> {
    Err(StoreError::GuardFailed { collection: ACCOUNTS.name, id })
}

/// A guard passes at the current version and fails at another one.
pub async fn a_version_guard_holds_and_fails(fixture: &impl Fixture) {
    let store = fixture.store();
    let actor = named("actor");
    insert(&store, std::slice::from_ref(&actor)).await.unwrap();
    let mut holding = Commit::new();
    let first = named("first");
    holding.insert(&first).unwrap();
    holding.guard(&actor);
    store.commit(&context(), &holding).await.unwrap();
    assert_eq!(load(&store, first.id).await, Some(first));
    update(&store, &actor, &actor.changed(|account| account.active = false)).await.unwrap();
    let mut failing = Commit::new();
    let second = named("second");
    failing.insert(&second).unwrap();
    failing.guard(&actor);
    assert_eq!(store.commit(&context(), &failing).await, failed(actor.id));
    assert_eq!(load(&store, second.id).await, None);
}

/// A guard on absence passes while there is no such document, and fails when there is one.
pub async fn an_absence_guard_holds_and_fails(fixture: &impl Fixture) {
    let store = fixture.store();
    let blocker = named("blocker");
    let first = named("first");
    let mut holding = Commit::new();
    holding.insert(&first).unwrap();
    holding.expect(&ACCOUNTS, blocker.id, Expectation::Absent);
    store.commit(&context(), &holding).await.unwrap();
    insert(&store, std::slice::from_ref(&blocker)).await.unwrap();
    let second = named("second");
    let mut failing = Commit::new();
    failing.insert(&second).unwrap();
    failing.expect(&ACCOUNTS, blocker.id, Expectation::Absent);
    assert_eq!(store.commit(&context(), &failing).await, failed(blocker.id));
    assert_eq!(load(&store, second.id).await, None);
    delete(&store, &blocker).await.unwrap();
    store.commit(&context(), &failing).await.unwrap();
    assert_eq!(load(&store, second.id).await, Some(second));
}

/// A guard on a version fails once the document is gone.
pub async fn a_guard_on_a_deleted_document_fails(fixture: &impl Fixture) {
    let store = fixture.store();
    let actor = named("actor");
    insert(&store, std::slice::from_ref(&actor)).await.unwrap();
    delete(&store, &actor).await.unwrap();
    let mut commit = Commit::new();
    commit.insert(&named("first")).unwrap();
    commit.guard(&actor);
    assert_eq!(store.commit(&context(), &commit).await, failed(actor.id));
}

/// A commit that only has guards checks them.
pub async fn a_guard_alone_is_checked(fixture: &impl Fixture) {
    let store = fixture.store();
    let actor = named("actor");
    let mut commit = Commit::new();
    commit.guard(&actor);
    assert_eq!(store.commit(&context(), &commit).await, failed(actor.id));
    insert(&store, std::slice::from_ref(&actor)).await.unwrap();
    store.commit(&context(), &commit).await.unwrap();
}

/// A guard on a document that the commit changes itself adds nothing to that change's own check.
pub async fn a_guard_on_a_changed_document_is_met_by_the_change(fixture: &impl Fixture) {
    let store = fixture.store();
    let account = named("account");
    let fresh = named("fresh");
    insert(&store, std::slice::from_ref(&account)).await.unwrap();
    let next = account.changed(|account| account.rank = 1);
    let mut commit = Commit::new();
    commit.guard(&account);
    commit.expect(&ACCOUNTS, fresh.id, Expectation::Absent);
    commit.update(&next, account.version).unwrap();
    commit.insert(&fresh).unwrap();
    store.commit(&context(), &commit).await.unwrap();
    assert_eq!(load(&store, account.id).await, Some(next));
    assert_eq!(load(&store, fresh.id).await, Some(fresh));
}

/// If a change and a guard both fail, the change is named.
pub async fn changes_come_before_guards(fixture: &impl Fixture) {
    let store = fixture.store();
    let (missing, guarded) = (named("missing"), named("guarded"));
    let mut commit = Commit::new();
    commit.guard(&guarded);
    commit.delete(&missing);
    let conflict = Err(StoreError::VersionConflict { collection: ACCOUNTS.name, id: missing.id });
    assert_eq!(store.commit(&context(), &commit).await, conflict);
}

/// A guarded document keeps its version and fields, however a backend locks it.
pub async fn a_guarded_document_keeps_its_version(fixture: &impl Fixture) {
    let store = fixture.store();
    let actor = named("actor");
    insert(&store, std::slice::from_ref(&actor)).await.unwrap();
    for name in ["first", "second", "third"] {
        let mut commit = Commit::new();
        commit.insert(&named(name)).unwrap();
        commit.guard(&actor);
        store.commit(&context(), &commit).await.unwrap();
    }
    assert_eq!(load(&store, actor.id).await.as_ref(), Some(&actor));
    update(&store, &actor, &actor.changed(|account| account.rank = 1)).await.unwrap();
}
