//! Promises about tenants: a query for one never returns another's documents.

use super::{
    ACCOUNTS, Account, Fixture,
    entities::{context, insert},
    model::{self, Random},
};
use crate::{
    clock::Timestamp,
    domain::ObjectId,
    store::{Filter, Query, Repository, Value},
};

const NAMES: [&str; 8] = ["", "a", "A", "ab", "a%", "ä", "日本", "'"];

fn random_account(random: &mut Random, tenants: &[ObjectId], owners: &[ObjectId], number: usize) -> Account {
    let mut account = Account::new(*random.pick(tenants), random.pick::<&str>(&NAMES));
    account.rank = *random.pick(&[-5, 0, 1, 2, 3]);
    account.active = random.below(3) > 0;
    account.owner_id = (random.below(2) == 0).then(|| *random.pick(owners));
    account.joined_at = Timestamp::from_seconds(*random.pick(&[-1, 0, 1, 86_400]));
    account.email = (random.below(3) == 0).then(|| format!("{number}@example.org"));
    account
}

fn random_filter(random: &mut Random, accounts: &[Account], owners: &[ObjectId]) -> Filter {
    let field = *random.pick(&["name", "rank", "active", "ownerId", "joinedAt", "id"]);
    let mut value = || match field {
        "ownerId" => Value::Id(*random.pick(owners)),
        _ => model::value(random.pick(accounts), field).unwrap(),
    };
    let values = [value(), value(), value()];
    let [first, second, third] = values;
    match random.below(7) {
        5 => Filter::NotEqual(field, first),
        6 => Filter::Equal("_words", format!("n{}", random.pick::<&str>(&["a", "b", "ba", "ä"])).into()),
        0 => Filter::Equal(field, first),
        1 => Filter::In(field, vec![first, second, third]),
        2 => Filter::Range { field, from: Some(first), until: (random.below(2) == 0).then_some(second) },
        3 => Filter::Prefix("name", (*random.pick(&NAMES)).to_owned()),
        _ => Filter::UniqueKeyIn((0..3).map(|_| format!("email:{}@example.org", random.below(90))).collect()),
    }
}

fn random_query(random: &mut Random, accounts: &[Account], owners: &[ObjectId]) -> Query {
    let mut query = Query::new(&ACCOUNTS).limit(*random.pick(&[1, 3, 10, 200]));
    for _ in 0..random.below(3) {
        query = query.filter(random_filter(random, accounts, owners));
    }
    if random.below(4) > 0 {
        query.sort = ACCOUNTS.index(random.pick::<&str>(&["by_name", "by_rank", "by_joined", "by_tenant_name"]));
    }
    query.descending = random.below(2) == 0;
    query
}

/// A query with a tenant condition never returns documents of another tenant, on any page.
pub async fn a_tenant_filter_never_shows_another_tenants_documents(fixture: &impl Fixture) {
    let store = fixture.store();
    let mut random = Random::new(2_026);
    let tenants: Vec<ObjectId> = (0..5).map(|_| ObjectId::generate()).collect();
    let owners: Vec<ObjectId> = (0..4).map(|_| ObjectId::generate()).collect();
    let accounts: Vec<Account> = (0..90).map(|number| random_account(&mut random, &tenants, &owners, number)).collect();
    insert(&store, &accounts).await.unwrap();
    let mut shown = 0;
    for _ in 0..fixture.rounds() * 2 {
        let tenant = *random.pick(&tenants);
        let mut query = random_query(&mut random, &accounts, &owners).equal("tenantId", tenant);
        for _ in 0..3 {
            let found = store.load_all::<Account>(&context(), &query).await.unwrap();
            assert!(found.iter().all(|account| account.tenant_id == tenant), "{query:?}");
            shown += found.len();
            let own: Vec<Account> = accounts.iter().filter(|account| account.tenant_id == tenant).cloned().collect();
            assert_eq!(found, model::answer(&query, &own), "{query:?}");
            // Not even a position in another tenant's documents returns such documents.
            let elsewhere = random.pick(&accounts);
            query.after = Some(model::position(&query, found.last().unwrap_or(elsewhere)));
        }
    }
    assert!(shown > 100, "too few documents were shown to mean anything: {shown}");
}

/// Random queries on random documents return what a model returns.
pub async fn results_equal_a_model_for_random_queries(fixture: &impl Fixture) {
    let store = fixture.store();
    let mut random = Random::new(4_711);
    let tenants: Vec<ObjectId> = (0..2).map(|_| ObjectId::generate()).collect();
    let owners: Vec<ObjectId> = (0..4).map(|_| ObjectId::generate()).collect();
    let accounts: Vec<Account> = (0..90).map(|number| random_account(&mut random, &tenants, &owners, number)).collect();
    insert(&store, &accounts).await.unwrap();
    for _ in 0..fixture.rounds() * 5 {
        let mut query = random_query(&mut random, &accounts, &owners);
        if random.below(2) == 0 {
            query.after = Some(model::position(&query, random.pick(&accounts)));
        }
        let found = store.load_all::<Account>(&context(), &query).await.unwrap();
        let expected = model::answer(&query, &accounts);
        assert_eq!(found, expected, "{query:?}");
    }
}
