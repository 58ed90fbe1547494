//! Promises about pages: documents that exist all the time are returned exactly once.

use std::collections::BTreeMap;

use super::{
    ACCOUNTS, Account, Fixture,
    entities::{context, delete, insert, load, update},
    model::{self, Random},
};
use crate::{
    clock::Timestamp,
    domain::ObjectId,
    store::{Index, Query, Repository, SharedStore},
};

/// Returns the indexes whose fields every account has; the others cannot be sorted by.
fn sortable() -> impl Iterator<Item = &'static Index> {
    ACCOUNTS.indexes.iter().filter(|index| index.name != "by_owner" && ACCOUNTS.terms_of(index).is_none())
}

/// Makes accounts of two tenants with few distinct values, so that many are equal.
fn accounts(count: usize) -> Vec<Account> {
    let tenants = [ObjectId::generate(), ObjectId::generate()];
    let mut random = Random::new(7);
    (0..count)
        .map(|_| {
            let names = ["", "a", "A", "ä", "b", "ba", "日本", "🦀"];
            let mut account = Account::new(*random.pick(&tenants), random.pick::<&str>(&names));
            account.rank = *random.pick(&[i64::MIN, -1, 0, 1, 10, 9, i64::MAX]);
            account.active = random.below(2) == 0;
            account.joined_at = Timestamp::from_milliseconds(*random.pick(&[-1, 0, 1, 1_700_000_000_000]));
            account
        })
        .collect()
}

/// Reads all pages of a query in sequence.
async fn pages(store: &SharedStore, query: &Query) -> Vec<Account> {
    let mut shown = Vec::new();
    let mut query = query.clone();
    loop {
        let page = store.load_all::<Account>(&context(), &query).await.unwrap();
        assert!(page.len() <= query.limit as usize);
        let Some(last) = page.last() else { return shown };
        query.after = Some(model::position(&query, last));
        shown.extend(page);
    }
}

/// By every index and by id, in both directions and with every page size, the pages add up to the whole in order.
pub async fn every_sort_pages_through_all_documents(fixture: &impl Fixture) {
    let store = fixture.store();
    let accounts = accounts(41);
    insert(&store, &accounts).await.unwrap();
    for index in sortable().map(Some).chain([None]) {
        for descending in [false, true] {
            for limit in [1, 7, 41, 100] {
                let query = Query { sort: index, descending, limit, ..Query::new(&ACCOUNTS) };
                let expected = model::answer(&Query { limit: 1_000, ..query.clone() }, &accounts);
                assert_eq!(pages(&store, &query).await, expected, "{query:?}");
            }
        }
    }
}

/// Documents with equal sort values are ordered by id, across pages.
pub async fn equal_sort_values_are_told_apart_by_id(fixture: &impl Fixture) {
    let store = fixture.store();
    let tenant = ObjectId::generate();
    let mut equal: Vec<Account> = (0..9).map(|_| Account::new(tenant, "same")).collect();
    equal.reverse();
    insert(&store, &equal).await.unwrap();
    equal.sort_by_key(|account| account.id);
    let query = Query::new(&ACCOUNTS).sort(ACCOUNTS.index("by_tenant_name").unwrap()).limit(2);
    assert_eq!(pages(&store, &query).await, equal);
    equal.reverse();
    assert_eq!(pages(&store, &query.descending()).await, equal);
}

/// While other documents are added, removed and moved between two pages, those that stay are returned exactly once.
pub async fn pages_are_stable_under_writes(fixture: &impl Fixture) {
    let store = fixture.store();
    for descending in [false, true] {
        let tenant = ObjectId::generate();
        let name = |number: usize| format!("{:02}", number / 3);
        let staying: Vec<Account> = (0..40).map(|number| Account::new(tenant, &name(number))).collect();
        let mut passing: Vec<Account> = (0..40).map(|number| Account::new(tenant, &name(number))).collect();
        insert(&store, &[staying.clone(), passing.clone()].concat()).await.unwrap();
        let mut query = Query::new(&ACCOUNTS).equal("tenantId", tenant).limit(5);
        query.sort = ACCOUNTS.index("by_tenant_name");
        query.descending = descending;
        let mut shown: BTreeMap<ObjectId, usize> = BTreeMap::new();
        let mut random = Random::new(11);
        loop {
            let page = store.load_all::<Account>(&context(), &query).await.unwrap();
            let Some(last) = page.last() else { break };
            query.after = Some(model::position(&query, last));
            page.iter().for_each(|account| *shown.entry(account.id).or_default() += 1);
            for _ in 0..2 {
                let gone = passing.swap_remove(random.below(passing.len()));
                delete(&store, &gone).await.unwrap();
                // Insert only before the current position, so that the iteration ends.
                let edge = if descending { "99" } else { "" };
                insert(&store, &[Account::new(tenant, edge), Account::new(ObjectId::generate(), &last.name)])
                    .await
                    .unwrap();
            }
            let moving = random.below(passing.len());
            let moved = passing[moving].changed(|account| account.name = name(random.below(40)));
            update(&store, &passing[moving], &moved).await.unwrap();
            passing[moving] = moved;
            if passing.len() < 4 {
                break;
            }
        }
        assert!(query.after.is_some());
        let last = query.after.as_ref().unwrap();
        for account in &staying {
            let position = model::position(&query, account);
            let reached = if descending {
                (&position.values, position.id) >= (&last.values, last.id)
            } else {
                (&position.values, position.id) <= (&last.values, last.id)
            };
            let times = shown.get(&account.id).copied().unwrap_or(0);
            assert_eq!(times, usize::from(reached), "{account:?} was shown {times} times");
        }
    }
}

/// A page continues after a document that was removed or has moved.
pub async fn a_position_need_not_exist_any_more(fixture: &impl Fixture) {
    let store = fixture.store();
    let tenant = ObjectId::generate();
    let accounts: Vec<Account> = ["a", "b", "c", "d"].into_iter().map(|name| Account::new(tenant, name)).collect();
    insert(&store, &accounts).await.unwrap();
    let query = Query::new(&ACCOUNTS).sort(ACCOUNTS.index("by_name").unwrap());
    let after_b = query.clone().after(Some(model::position(&query, &accounts[1])));
    delete(&store, &accounts[1]).await.unwrap();
    assert_eq!(store.load_all::<Account>(&context(), &after_b).await.unwrap(), accounts[2..]);
    let before_b = after_b.descending();
    assert_eq!(store.load_all::<Account>(&context(), &before_b).await.unwrap(), accounts[..1]);
    assert_eq!(load(&store, accounts[1].id).await, None);
}

/// With an equality on some fields of the index, positions have the other fields only.
pub async fn an_equality_on_a_sort_field_leaves_it_out_of_the_position(fixture: &impl Fixture) {
    let store = fixture.store();
    let accounts = accounts(40);
    insert(&store, &accounts).await.unwrap();
    let index = ACCOUNTS.index("by_tenant_active_rank").unwrap();
    let all = Query::new(&ACCOUNTS).sort(index).limit(3);
    let by_tenant = all.clone().equal("tenantId", accounts[0].tenant_id);
    let by_active = all.clone().equal("active", true);
    let by_all = by_tenant.clone().equal("active", false).equal("rank", 0);
    for (query, fields) in
        [(all, 3), (by_tenant.clone(), 2), (by_active, 2), (by_tenant.equal("active", true), 1), (by_all, 0)]
    {
        assert_eq!(query.sort_fields().len(), fields);
        let expected = model::answer(&Query { limit: 1_000, ..query.clone() }, &accounts);
        assert_eq!(pages(&store, &query).await, expected, "{query:?}");
        let backwards = query.descending();
        let expected = model::answer(&Query { limit: 1_000, ..backwards.clone() }, &accounts);
        assert_eq!(pages(&store, &backwards).await, expected, "{backwards:?}");
    }
}

/// Conditions on fields outside of the sort index apply to every page.
pub async fn descending_pages_through_filters(fixture: &impl Fixture) {
    use crate::store::Filter;
    let store = fixture.store();
    let accounts = accounts(60);
    insert(&store, &accounts).await.unwrap();
    let query = Query::new(&ACCOUNTS)
        .sort(ACCOUNTS.index("by_tenant_name").unwrap())
        .descending()
        .equal("tenantId", accounts[0].tenant_id)
        .filter(Filter::In("rank", vec![(-1).into(), 0.into(), 1.into(), i64::MAX.into()]))
        .equal("active", true)
        .limit(2);
    let expected = model::answer(&Query { limit: 1_000, ..query.clone() }, &accounts);
    assert!(expected.len() > 4);
    assert_eq!(pages(&store, &query).await, expected);
}
