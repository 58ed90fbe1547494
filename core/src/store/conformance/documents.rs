//! Promises about single documents: they are read as they were written.

use super::{
    ACCOUNTS, Account, Activity, Address, Contact, Fixture, Location,
    entities::{context, delete, insert, load, update},
};
use crate::{
    clock::Timestamp,
    domain::ObjectId,
    store::{Commit, Expectation, Repository, StoreError},
};

fn full() -> Account {
    let time = Timestamp::from_milliseconds(1_700_000_000_123);
    let mut account = Account::new(ObjectId::generate(), "Ada");
    account.rank = -42;
    account.active = false;
    account.owner_id = Some(ObjectId::generate());
    account.joined_at = time;
    account.left_at = Some(Timestamp::from_milliseconds(1_700_000_001_000));
    account.note = Some(String::new());
    account.email = Some("ada@example.org".to_owned());
    account.handles = vec!["ada".to_owned(), "countess".to_owned()];
    account.scores = vec![1, 0, -7, 1];
    account.friend_ids = vec![ObjectId::generate(), ObjectId::generate()];
    account.visits = vec![time, Timestamp::from_milliseconds(-1)];
    account.contacts = vec![
        Contact { label: "home".to_owned(), person_id: ObjectId::generate(), added_at: time },
        Contact { label: "work".to_owned(), person_id: ObjectId::generate(), added_at: time },
    ];
    account.address = Some(Address {
        street: "St James's Square".to_owned(),
        number: 12,
        primary: true,
        owner_id: Some(ObjectId::generate()),
        since: Some(time),
        location: Some(Location { latitude: 51, longitude: -1 }),
    });
    account
}

/// Every type of field is read as it was written, with `id` and `version`.
pub async fn every_field_type_round_trips(fixture: &impl Fixture) {
    let store = fixture.store();
    let account = full();
    insert(&store, std::slice::from_ref(&account)).await.unwrap();
    let document = store.get(&context(), &ACCOUNTS, account.id).await.unwrap().unwrap();
    assert_eq!((document.id, document.version), (account.id, 1));
    assert_eq!(document.decode::<Account>(&ACCOUNTS).unwrap(), account);
}

/// An optional field that an update lacks is removed.
pub async fn optional_fields_are_unset_by_an_update(fixture: &impl Fixture) {
    let store = fixture.store();
    let before = full();
    insert(&store, std::slice::from_ref(&before)).await.unwrap();
    let after = before.changed(|account| {
        account.owner_id = None;
        account.left_at = None;
        account.note = None;
        account.email = None;
        account.handles.clear();
        account.address.as_mut().unwrap().since = None;
        account.address.as_mut().unwrap().location = None;
    });
    update(&store, &before, &after).await.unwrap();
    assert_eq!(load(&store, after.id).await.unwrap(), after);
    for path in ["ownerId", "leftAt", "note", "email", "address.since", "address.location"] {
        assert_eq!(fixture.raw(&ACCOUNTS, after.id, path).await, None, "{path}");
    }
    let last = after.changed(|account| account.address = None);
    update(&store, &after, &last).await.unwrap();
    assert_eq!(load(&store, after.id).await.unwrap(), last);
}

/// An update is visible at once, a delete removes the document, and its id may be reused.
pub async fn updates_replace_and_deletes_remove(fixture: &impl Fixture) {
    let store = fixture.store();
    let first = full();
    insert(&store, std::slice::from_ref(&first)).await.unwrap();
    let second = first.changed(|account| account.name = "Countess".to_owned());
    update(&store, &first, &second).await.unwrap();
    let document = store.get(&context(), &ACCOUNTS, first.id).await.unwrap().unwrap();
    assert_eq!(document.version, 2);
    assert_eq!(document.decode::<Account>(&ACCOUNTS).unwrap(), second);
    delete(&store, &second).await.unwrap();
    assert_eq!(load(&store, first.id).await, None);
    insert(&store, std::slice::from_ref(&first)).await.unwrap();
    assert_eq!(load(&store, first.id).await, Some(first));
}

/// A document that does not exist is `None`, not an error.
pub async fn missing_documents_are_none(fixture: &impl Fixture) {
    let store = fixture.store();
    assert_eq!(store.get(&context(), &ACCOUNTS, ObjectId::generate()).await.unwrap(), None);
    assert_eq!(store.load_unique::<Account>(&context(), "email:nobody".to_owned()).await.unwrap(), None);
}

/// Text of every script, with quotes, backslashes, control characters and lone combining marks, is preserved.
pub async fn text_survives_as_it_is(fixture: &impl Fixture) {
    let store = fixture.store();
    let texts = [
        "",
        " ",
        "it's \"quoted\" \\ /slashed/ `ticked`",
        "line\nbreak\ttab\r\u{1}\u{7f}",
        "Zürich Ærø Łódź ελληνικά українська 日本語 العربية",
        "👩‍👩‍👧‍👦🇪🇺\u{10ffff}",
        "e\u{301} is not \u{e9}",
        "'; DROP TABLE accounts; --",
        "$where {\"$gt\": \"\"} $name a.b",
        "{\"json\": [1, null]}",
    ];
    for text in texts {
        let mut account = Account::new(ObjectId::generate(), text);
        account.note = Some(text.to_owned());
        account.handles = vec![format!("handle {text}")];
        insert(&store, std::slice::from_ref(&account)).await.unwrap();
        assert_eq!(load(&store, account.id).await.as_ref(), Some(&account), "{text:?}");
        let key = format!("handle:handle {text}");
        assert_eq!(store.load_unique::<Account>(&context(), key).await.unwrap(), Some(account), "{text:?}");
    }
}

/// Integers keep all 64 bits.
pub async fn integers_survive_at_their_extremes(fixture: &impl Fixture) {
    let store = fixture.store();
    for number in [i64::MIN, i64::MIN + 1, -(1 << 53) - 1, -1, 0, (1 << 53) + 1, i64::MAX - 1, i64::MAX] {
        let mut account = Account::new(ObjectId::generate(), "number");
        account.rank = number;
        account.scores = vec![number];
        insert(&store, std::slice::from_ref(&account)).await.unwrap();
        assert_eq!(load(&store, account.id).await, Some(account), "{number}");
    }
}

/// Times keep their milliseconds, over the whole range that can be stored.
pub async fn times_survive_at_their_extremes(fixture: &impl Fixture) {
    let store = fixture.store();
    for milliseconds in [i64::MIN, -1, 0, 1, 999, 1_000, 1_767_225_599_999, i64::MAX] {
        let mut account = Account::new(ObjectId::generate(), "time");
        account.joined_at = Timestamp::from_milliseconds(milliseconds);
        account.left_at = Some(account.joined_at);
        insert(&store, std::slice::from_ref(&account)).await.unwrap();
        assert_eq!(load(&store, account.id).await, Some(account), "{milliseconds}");
    }
}

/// A document whose JSON has no `version` is at version 0, before and after updates.
pub async fn documents_without_a_version_are_at_version_zero(fixture: &impl Fixture) {
    let store = fixture.store();
    let user_id = ObjectId::generate();
    let mut activity = Activity { id: user_id, user_id, seen_at: Timestamp::from_seconds(1) };
    let mut commit = Commit::new();
    commit.insert(&activity).unwrap();
    store.commit(&context(), &commit).await.unwrap();
    for seconds in 2..4 {
        activity.seen_at = Timestamp::from_seconds(seconds);
        let mut commit = Commit::new();
        commit.update(&activity, 0).unwrap();
        store.commit(&context(), &commit).await.unwrap();
        let document = store.get(&context(), activity_collection(), user_id).await.unwrap().unwrap();
        assert_eq!(document.version, 0);
        assert_eq!(document.decode::<Activity>(activity_collection()).unwrap(), activity);
    }
    let mut commit = Commit::new();
    commit.update(&activity, 1).unwrap();
    let refused = store.commit(&context(), &commit).await;
    assert!(matches!(refused, Err(StoreError::VersionConflict { id, .. }) if id == user_id), "{refused:?}");
    let mut guarded = Commit::new();
    guarded.insert(&Account::new(user_id, "guarded")).unwrap();
    guarded.expect(activity_collection(), user_id, Expectation::Version(0));
    store.commit(&context(), &guarded).await.unwrap();
}

fn activity_collection() -> &'static crate::store::Collection {
    &super::ACTIVITIES
}

/// A commit may contain inserts, updates and deletes of several collections.
pub async fn one_commit_changes_many_documents(fixture: &impl Fixture) {
    let store = fixture.store();
    let tenant = ObjectId::generate();
    let old: Vec<Account> = (0..10).map(|number| Account::new(tenant, &format!("old {number}"))).collect();
    insert(&store, &old).await.unwrap();
    let fresh = Account::new(tenant, "fresh");
    let activity = Activity { id: tenant, user_id: tenant, seen_at: Timestamp::from_seconds(5) };
    let changed = old[0].changed(|account| account.rank = 9);
    let mut commit = Commit::new();
    commit.update(&changed, 1).unwrap();
    commit.delete(&old[1]);
    commit.insert(&fresh).unwrap();
    commit.insert(&activity).unwrap();
    store.commit(&context(), &commit).await.unwrap();
    assert_eq!(load(&store, changed.id).await, Some(changed));
    assert_eq!(load(&store, old[1].id).await, None);
    assert_eq!(load(&store, fresh.id).await, Some(fresh));
    assert_eq!(load(&store, old[2].id).await.as_ref(), Some(&old[2]));
    assert_eq!(store.load::<Activity>(&context(), tenant).await.unwrap(), Some(activity));
}

/// A commit without changes and guards succeeds.
pub async fn an_empty_commit_changes_nothing(fixture: &impl Fixture) {
    fixture.store().commit(&context(), &Commit::new()).await.unwrap();
}
