//! Promises about undeclared fields: a release that does not know them preserves them.

use serde_json::json;

use super::{
    ACCOUNTS, Account, Address, Fixture, Location,
    entities::{context, insert, load, update},
};
use crate::{domain::ObjectId, store::Repository};

fn addressed() -> Account {
    let mut account = Account::new(ObjectId::generate(), "Ada");
    account.address = Some(Address {
        street: "Main".to_owned(),
        number: 1,
        primary: true,
        owner_id: None,
        since: None,
        location: Some(Location { latitude: 1, longitude: 2 }),
    });
    account
}

/// An update preserves undeclared fields, through several updates.
pub async fn updates_leave_unknown_fields(fixture: &impl Fixture) {
    let store = fixture.store();
    let account = addressed();
    insert(&store, std::slice::from_ref(&account)).await.unwrap();
    let legacy = json!({"nested": [1, "two", null, {"deep": true}], "quote": "it's \"so\""});
    fixture.put_raw(&ACCOUNTS, account.id, "legacy", legacy.clone()).await;
    fixture.put_raw(&ACCOUNTS, account.id, "legacyNumber", json!(9_007_199_254_740_993_i64)).await;
    let mut current = account;
    for number in 1..4 {
        let next = current.changed(|account| {
            account.rank = number;
            account.note = (number == 2).then(|| "two".to_owned());
        });
        update(&store, &current, &next).await.unwrap();
        current = next;
        assert_eq!(fixture.raw(&ACCOUNTS, current.id, "legacy").await, Some(legacy.clone()));
        let legacy_number = fixture.raw(&ACCOUNTS, current.id, "legacyNumber").await;
        assert_eq!(legacy_number, Some(json!(9_007_199_254_740_993_i64)));
        assert_eq!(load(&store, current.id).await.as_ref(), Some(&current));
    }
}

/// An update preserves the undeclared fields of declared objects, at every depth.
pub async fn updates_leave_unknown_fields_inside_objects(fixture: &impl Fixture) {
    let store = fixture.store();
    let account = addressed();
    insert(&store, std::slice::from_ref(&account)).await.unwrap();
    fixture.put_raw(&ACCOUNTS, account.id, "address.legacy", json!("kept")).await;
    fixture.put_raw(&ACCOUNTS, account.id, "address.location.altitude", json!(408)).await;
    let next = account.changed(|account| {
        let address = account.address.as_mut().unwrap();
        address.street = "Side".to_owned();
        address.location = Some(Location { latitude: 3, longitude: 4 });
    });
    update(&store, &account, &next).await.unwrap();
    assert_eq!(load(&store, account.id).await, Some(next));
    assert_eq!(fixture.raw(&ACCOUNTS, account.id, "address.legacy").await, Some(json!("kept")));
    assert_eq!(fixture.raw(&ACCOUNTS, account.id, "address.location.altitude").await, Some(json!(408)));
    assert_eq!(fixture.raw(&ACCOUNTS, account.id, "address.location.latitude").await, Some(json!(3)));
}

/// A document with unknown fields is decoded as its entity and found by queries.
pub async fn unknown_fields_are_shown_and_ignored(fixture: &impl Fixture) {
    let store = fixture.store();
    let mut account = addressed();
    account.email = Some("a@b.example".to_owned());
    insert(&store, std::slice::from_ref(&account)).await.unwrap();
    fixture.put_raw(&ACCOUNTS, account.id, "legacy", json!("x")).await;
    fixture.put_raw(&ACCOUNTS, account.id, "address.legacy", json!(false)).await;
    assert_eq!(load(&store, account.id).await.as_ref(), Some(&account));
    let found = store.load_unique::<Account>(&context(), "email:a@b.example".to_owned()).await.unwrap();
    assert_eq!(found, Some(account));
}
