//! Promises about conflicts: a commit is refused, and the conflict is named.

use super::{
    ACCOUNTS, Account, Activity, Fixture,
    entities::{context, delete, insert, load, update},
};
use crate::{
    clock::Timestamp,
    domain::ObjectId,
    store::{Commit, Expectation, Repository, SharedStore, StoreError, StoreResult},
};

fn named(name: &str) -> Account {
    Account::new(ObjectId::generate(), name)
}

fn with_email(name: &str, email: &str) -> Account {
    let mut account = named(name);
    account.email = Some(email.to_owned());
    account
}

fn conflict(id: ObjectId) -> StoreResult<()> {
    Err(StoreError::VersionConflict { collection: ACCOUNTS.name, id })
}

fn duplicate(key: &str) -> StoreResult<()> {
    Err(StoreError::DuplicateKey { collection: ACCOUNTS.name, key: key.to_owned() })
}

async fn holder(store: &SharedStore, key: &str) -> Option<ObjectId> {
    store.load_unique::<Account>(&context(), key.to_owned()).await.unwrap().map(|account| account.id)
}

/// Of two updates from one version, the second is refused and does not affect the first.
pub async fn an_outdated_update_is_a_version_conflict(fixture: &impl Fixture) {
    let store = fixture.store();
    let account = named("first");
    insert(&store, std::slice::from_ref(&account)).await.unwrap();
    let winner = account.changed(|account| account.rank = 1);
    update(&store, &account, &winner).await.unwrap();
    let loser = account.changed(|account| account.rank = 2);
    assert_eq!(update(&store, &account, &loser).await, conflict(account.id));
    assert_eq!(load(&store, account.id).await, Some(winner));
}

/// A document that was changed meanwhile is not deleted.
pub async fn an_outdated_delete_is_a_version_conflict(fixture: &impl Fixture) {
    let store = fixture.store();
    let account = named("first");
    insert(&store, std::slice::from_ref(&account)).await.unwrap();
    let winner = account.changed(|account| account.rank = 1);
    update(&store, &account, &winner).await.unwrap();
    assert_eq!(delete(&store, &account).await, conflict(account.id));
    assert_eq!(load(&store, account.id).await, Some(winner));
}

/// A document that does not exist can be neither updated nor deleted.
pub async fn changing_a_missing_document_is_a_version_conflict(fixture: &impl Fixture) {
    let store = fixture.store();
    let account = named("nowhere");
    assert_eq!(update(&store, &account, &account.changed(|_| ())).await, conflict(account.id));
    assert_eq!(delete(&store, &account).await, conflict(account.id));
    assert_eq!(load(&store, account.id).await, None);
}

/// A second document with the same id is refused as `id:<hex>`.
pub async fn a_taken_id_is_named(fixture: &impl Fixture) {
    let store = fixture.store();
    let account = named("first");
    insert(&store, std::slice::from_ref(&account)).await.unwrap();
    let mut second = named("second");
    second.id = account.id;
    assert_eq!(insert(&store, &[second]).await, duplicate(&format!("id:{}", account.id)));
    assert_eq!(load(&store, account.id).await, Some(account));
}

/// A taken unique key is named in the refusal of inserts and updates, even if it is not the document's first.
pub async fn a_taken_unique_key_is_named(fixture: &impl Fixture) {
    let store = fixture.store();
    let mut first = with_email("first", "one@example.org");
    first.handles = vec!["uno".to_owned(), "it's $1.\"x\"".to_owned()];
    let second = with_email("second", "two@example.org");
    insert(&store, &[first.clone(), second.clone()]).await.unwrap();
    let third = with_email("third", "one@example.org");
    assert_eq!(insert(&store, std::slice::from_ref(&third)).await, duplicate("email:one@example.org"));
    let mut fourth = with_email("fourth", "four@example.org");
    fourth.handles = vec!["quattro".to_owned(), "it's $1.\"x\"".to_owned()];
    assert_eq!(insert(&store, std::slice::from_ref(&fourth)).await, duplicate("handle:it's $1.\"x\""));
    let wanting = second.changed(|account| account.handles = vec!["uno".to_owned()]);
    assert_eq!(update(&store, &second, &wanting).await, duplicate("handle:uno"));
    assert_eq!(load(&store, third.id).await, None);
    assert_eq!(load(&store, fourth.id).await, None);
    assert_eq!(load(&store, second.id).await, Some(second));
}

/// An update that keeps a key does not conflict with itself.
pub async fn a_document_may_keep_its_unique_keys(fixture: &impl Fixture) {
    let store = fixture.store();
    let before = with_email("first", "one@example.org");
    insert(&store, std::slice::from_ref(&before)).await.unwrap();
    let after = before.changed(|account| account.handles = vec!["uno".to_owned()]);
    update(&store, &before, &after).await.unwrap();
    assert_eq!(holder(&store, "email:one@example.org").await, Some(before.id));
    assert_eq!(holder(&store, "handle:uno").await, Some(before.id));
}

/// A key that an update drops becomes free.
pub async fn unique_keys_are_freed_by_an_update(fixture: &impl Fixture) {
    let store = fixture.store();
    let before = with_email("first", "one@example.org");
    insert(&store, std::slice::from_ref(&before)).await.unwrap();
    let after = before.changed(|account| account.email = None);
    update(&store, &before, &after).await.unwrap();
    assert_eq!(holder(&store, "email:one@example.org").await, None);
    let second = with_email("second", "one@example.org");
    insert(&store, std::slice::from_ref(&second)).await.unwrap();
    assert_eq!(holder(&store, "email:one@example.org").await, Some(second.id));
}

/// The keys of a deleted document become free.
pub async fn unique_keys_are_freed_by_a_delete(fixture: &impl Fixture) {
    let store = fixture.store();
    let first = with_email("first", "one@example.org");
    insert(&store, std::slice::from_ref(&first)).await.unwrap();
    delete(&store, &first).await.unwrap();
    assert_eq!(holder(&store, "email:one@example.org").await, None);
    insert(&store, &[with_email("second", "one@example.org")]).await.unwrap();
}

/// A commit may delete the holder of a key and then insert another one.
pub async fn unique_keys_move_after_a_delete_in_the_same_commit(fixture: &impl Fixture) {
    let store = fixture.store();
    let first = with_email("first", "one@example.org");
    insert(&store, std::slice::from_ref(&first)).await.unwrap();
    let second = with_email("second", "one@example.org");
    let mut commit = Commit::new();
    commit.delete(&first);
    commit.insert(&second).unwrap();
    store.commit(&context(), &commit).await.unwrap();
    assert_eq!(holder(&store, "email:one@example.org").await, Some(second.id));
}

/// A commit may take a key from one document and then give it to another, by an insert or an update.
pub async fn unique_keys_move_after_an_update_in_the_same_commit(fixture: &impl Fixture) {
    let store = fixture.store();
    let first = with_email("first", "one@example.org");
    insert(&store, std::slice::from_ref(&first)).await.unwrap();
    let second = with_email("second", "one@example.org");
    let bare = first.changed(|account| account.email = None);
    let mut commit = Commit::new();
    commit.update(&bare, first.version).unwrap();
    commit.insert(&second).unwrap();
    store.commit(&context(), &commit).await.unwrap();
    assert_eq!(holder(&store, "email:one@example.org").await, Some(second.id));
    let mut back = Commit::new();
    back.update(&second.changed(|account| account.email = None), second.version).unwrap();
    back.update(&bare.changed(|account| account.email = second.email.clone()), bare.version).unwrap();
    store.commit(&context(), &back).await.unwrap();
    assert_eq!(holder(&store, "email:one@example.org").await, Some(first.id));
}

/// Equal keys of two collections are independent.
pub async fn unique_keys_belong_to_their_collection(fixture: &impl Fixture) {
    let store = fixture.store();
    let user_id = ObjectId::generate();
    let account = with_email("first", &user_id.to_string());
    let activity = Activity { id: user_id, user_id, seen_at: Timestamp::from_seconds(1) };
    let mut commit = Commit::new();
    commit.insert(&account).unwrap();
    commit.insert(&activity).unwrap();
    store.commit(&context(), &commit).await.unwrap();
    let key = format!("email:{user_id}");
    assert_eq!(holder(&store, &key).await, Some(account.id));
    assert_eq!(store.load_unique::<Activity>(&context(), key).await.unwrap(), Some(activity));
}

/// A key has one holder within a commit, too.
pub async fn two_inserts_of_one_key_in_a_commit_are_refused(fixture: &impl Fixture) {
    let store = fixture.store();
    let accounts = [with_email("first", "one@example.org"), with_email("second", "one@example.org")];
    assert_eq!(insert(&store, &accounts).await, duplicate("email:one@example.org"));
    assert_eq!(load(&store, accounts[0].id).await, None);
    let first = named("first");
    assert_eq!(insert(&store, &[first.clone(), first.clone()]).await, duplicate(&format!("id:{}", first.id)));
    assert_eq!(load(&store, first.id).await, None);
}

/// Of several conflicts, the first in the commit is named; guards come last.
pub async fn the_first_obstacle_is_named(fixture: &impl Fixture) {
    let store = fixture.store();
    let holder = with_email("holder", "one@example.org");
    insert(&store, std::slice::from_ref(&holder)).await.unwrap();
    let missing = named("missing");
    let taken = with_email("taken", "one@example.org");
    let mut conflict_first = Commit::new();
    conflict_first.expect(&ACCOUNTS, holder.id, Expectation::Absent);
    conflict_first.delete(&missing);
    conflict_first.insert(&taken).unwrap();
    assert_eq!(store.commit(&context(), &conflict_first).await, conflict(missing.id));
    let mut duplicate_first = Commit::new();
    duplicate_first.expect(&ACCOUNTS, holder.id, Expectation::Absent);
    duplicate_first.insert(&taken).unwrap();
    duplicate_first.delete(&missing);
    assert_eq!(store.commit(&context(), &duplicate_first).await, duplicate("email:one@example.org"));
    let mut guards_last = Commit::new();
    guards_last.expect(&ACCOUNTS, missing.id, Expectation::Version(1));
    guards_last.expect(&ACCOUNTS, holder.id, Expectation::Absent);
    guards_last.insert(&named("free")).unwrap();
    let failed = Err(StoreError::GuardFailed { collection: ACCOUNTS.name, id: missing.id });
    assert_eq!(store.commit(&context(), &guards_last).await, failed);
}

/// Keys and ids that a refused commit requested stay free.
pub async fn a_refused_commit_frees_what_it_asked_for(fixture: &impl Fixture) {
    let store = fixture.store();
    let wanted = with_email("wanted", "one@example.org");
    let mut refused = Commit::new();
    refused.insert(&wanted).unwrap();
    refused.delete(&named("missing"));
    assert!(store.commit(&context(), &refused).await.is_err());
    assert_eq!(holder(&store, "email:one@example.org").await, None);
    insert(&store, std::slice::from_ref(&wanted)).await.unwrap();
    assert_eq!(holder(&store, "email:one@example.org").await, Some(wanted.id));
}
