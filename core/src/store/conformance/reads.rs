//! Promises about several queries in one read.

use super::{
    ACCOUNTS, ACTIVITIES, Account, Activity, Fixture,
    entities::{context, delete, insert, update},
    model::{self, Random},
};
use crate::{
    clock::Timestamp,
    object_id::ObjectId,
    store::{Answers, Commit, Filter, Follow, KeyPart, Origin, Query, Read, Repository, SharedStore},
};

fn named(tenant: ObjectId, names: &[&str]) -> Vec<Account> {
    names.iter().map(|name| Account::new(tenant, name)).collect()
}

async fn ask(store: &SharedStore, reads: &[Read]) -> Answers {
    store.load_together(&context(), reads).await.unwrap()
}

fn names(answers: &mut Answers) -> Vec<String> {
    answers.all::<Account>().unwrap().into_iter().map(|account| account.name).collect()
}

fn by(index: &str) -> Query {
    Query::new(&ACCOUNTS).sort(ACCOUNTS.index(index).unwrap())
}

fn id(read: usize) -> Origin {
    Origin { read, field: "id" }
}

/// Answers come in the order of the queries, including empty ones, each in its own order and with its own limit.
pub async fn reads_are_answered_in_their_order(fixture: &impl Fixture) {
    let store = fixture.store();
    let tenant = ObjectId::generate();
    let mut accounts = named(tenant, &["c", "a", "b", "d"]);
    accounts[0].email = Some("c@example.org".to_owned());
    insert(&store, &accounts).await.unwrap();
    assert_eq!(store.read(&context(), &[]).await.unwrap(), [[]; 0]);
    let of_tenant = || by("by_tenant_name").equal("tenantId", tenant);
    let keys = |keys: &[&str]| Filter::UniqueKeyIn(keys.iter().map(|key| (*key).to_owned()).collect());
    let reads = [
        of_tenant().limit(3).into(),
        of_tenant().equal("tenantId", ObjectId::generate()).into(),
        of_tenant().descending().limit(2).into(),
        Query::new(&ACTIVITIES).equal("userId", tenant).into(),
        Query::new(&ACCOUNTS).filter(keys(&["email:c@example.org", "email:d@example.org"])).into(),
        Query::new(&ACCOUNTS).filter(keys(&["email:c@example.org", "", "email:c@example.org"])).into(),
        Query::new(&ACCOUNTS).filter(keys(&["", "$name"])).into(),
        Query::new(&ACCOUNTS).equal("id", accounts[3].id).into(),
    ];
    let mut answers = ask(&store, &reads).await;
    assert_eq!(names(&mut answers), ["a", "b", "c"]);
    assert_eq!(names(&mut answers), [""; 0]);
    assert_eq!(names(&mut answers), ["d", "c"]);
    assert_eq!(answers.all::<Activity>().unwrap(), []);
    assert_eq!(names(&mut answers), ["c"]);
    assert_eq!(names(&mut answers), ["c"]);
    assert_eq!(names(&mut answers), [""; 0]);
    assert_eq!(answers.all::<Account>().unwrap(), &accounts[3..]);
    // The kind of query does not matter: these return all documents, none, and a page.
    let position = model::position(&of_tenant(), &accounts[1]);
    let reads = [
        by("by_name").filter(Filter::NotEqual("name", "b".into())).limit(9).into(),
        of_tenant().limit(0).into(),
        Query::new(&ACCOUNTS).filter(keys(&[])).into(),
        Query::new(&ACCOUNTS).filter(Filter::In("name", Vec::new())).into(),
        of_tenant().after(Some(position)).into(),
    ];
    let mut answers = ask(&store, &reads).await;
    for expected in [&["a", "c", "d"][..], &[], &[], &[], &["b", "c", "d"]] {
        assert_eq!(names(&mut answers), expected);
    }
}

/// A query may follow the first or any of the ids that an earlier one finds, or keys made from them.
pub async fn what_was_found_is_followed(fixture: &impl Fixture) {
    let store = fixture.store();
    let tenant = ObjectId::generate();
    let mut accounts = named(tenant, &["boss", "b", "a", "other"]);
    let [boss, other] = [accounts[0].id, accounts[3].id];
    accounts[1].owner_id = Some(boss);
    accounts[2].owner_id = Some(boss);
    accounts[0].handles = vec![format!("{tenant}-{boss}"), "plain".to_owned()];
    accounts[3].handles = vec![format!("{other}")];
    insert(&store, &accounts).await.unwrap();
    let owners = Origin { read: 1, field: "ownerId" };
    let text = |text: &str| KeyPart::Text(text.to_owned());
    let of_tenant = KeyPart::First(Origin { read: 0, field: "tenantId" });
    let mut reads = [
        Query::unique(&ACCOUNTS, "handle:plain".to_owned()).into(),
        Query::new(&ACCOUNTS).follow(Follow::First("ownerId", id(0))),
        by("by_tenant_name").equal("tenantId", tenant).follow(Follow::Any("id", owners)),
        by("by_tenant_name").follow(Follow::First("tenantId", Origin { read: 1, field: "tenantId" })),
        Query::new(&ACCOUNTS).follow(Follow::UniqueKey(vec![
            text("handle:"),
            of_tenant.clone(),
            text("-"),
            KeyPart::First(id(2)),
        ])),
        Query::new(&ACCOUNTS).follow(Follow::UniqueKey(vec![text("handle:"), KeyPart::Each(id(3))])),
        Query::new(&ACCOUNTS).filter(Filter::Equal("rank", 1.into())).follow(Follow::Any("id", id(3))),
    ];
    for is_expected in [false, true] {
        reads[0].is_expected = is_expected;
        let mut answers = ask(&store, &reads).await;
        for expected in
            [&["boss"][..], &["b", "a"], &["boss"], &["a", "b", "boss", "other"], &["boss"], &["other"], &[]]
        {
            let mut found = names(&mut answers);
            if expected == ["b", "a"] {
                // In the order of their ids.
                found.sort_unstable_by(|one, another| another.cmp(one));
            }
            assert_eq!(found, expected);
        }
    }
}

/// Following an absent value finds nothing, not the documents that lack the field or the key.
pub async fn what_was_not_found_is_followed_to_nothing(fixture: &impl Fixture) {
    let store = fixture.store();
    let mut accounts = named(ObjectId::generate(), &["owned", "free"]);
    accounts[0].owner_id = Some(accounts[1].id);
    insert(&store, &accounts).await.unwrap();
    let nobody = || Query::unique(&ACCOUNTS, "handle:nobody".to_owned());
    let free = || Query::new(&ACCOUNTS).equal("id", accounts[1].id);
    let owner = Origin { read: 0, field: "ownerId" };
    let keys = [KeyPart::First(id(0)), KeyPart::Each(id(0))];
    for (origin, is_expected) in [(id(0), false), (id(0), true), (owner, false), (owner, true)] {
        let mut first: Read = if origin == owner { free().into() } else { nobody().into() };
        first.is_expected = is_expected;
        for follow in [
            Follow::First("ownerId", origin),
            Follow::Any("ownerId", origin),
            Follow::Each("ownerId", origin),
            Follow::First("id", origin),
            Follow::Any("id", origin),
            Follow::UniqueKey(vec![KeyPart::First(origin)]),
            Follow::UniqueKey(vec![KeyPart::Each(origin)]),
            Follow::UniqueKey([&keys[..], &keys[1..]].concat()[..2].to_vec()),
        ] {
            let following = Query::new(&ACCOUNTS).follow(follow.clone());
            let then = Query::new(&ACCOUNTS).follow(Follow::Any("id", Origin { read: 1, field: "ownerId" }));
            let mut answers = ask(&store, &[first.clone(), following, then]).await;
            assert_eq!(names(&mut answers).len(), usize::from(origin == owner));
            assert_eq!(names(&mut answers), [""; 0], "{follow:?}");
            assert_eq!(names(&mut answers), [""; 0], "{follow:?}");
        }
    }
}

/// A query that follows each document is limited per document, and its answers come in the order of those documents.
pub async fn each_document_is_followed_to_its_own(fixture: &impl Fixture) {
    let store = fixture.store();
    let tenant = ObjectId::generate();
    let mut accounts = named(tenant, &["x", "y", "z"]);
    for (owner, count) in [(2, 1), (0, 3)] {
        for number in 0..count {
            let mut owned = Account::new(ObjectId::generate(), &format!("{owner}{number}"));
            owned.owner_id = Some(accounts[owner].id);
            accounts.push(owned);
        }
    }
    insert(&store, &accounts).await.unwrap();
    let owners = by("by_tenant_name").equal("tenantId", tenant);
    let owned = by("by_name").filter(Filter::Prefix("name", String::new())).limit(2);
    let reads = [owners.clone().into(), owned.clone().follow(Follow::Each("ownerId", id(0)))];
    let mut answers = ask(&store, &reads).await;
    assert_eq!(names(&mut answers), ["x", "y", "z"]);
    assert_eq!(names(&mut answers), ["00", "01", "20"]);
    let twice = [
        owners.descending().into(),
        owned.clone().limit(1).follow(Follow::Each("ownerId", id(0))),
        owned.follow(Follow::Each("ownerId", id(0))),
    ];
    let mut answers = ask(&store, &twice).await;
    assert_eq!(names(&mut answers), ["z", "y", "x"]);
    assert_eq!(names(&mut answers), ["20", "00"]);
    assert_eq!(names(&mut answers), ["20", "00", "01"]);
}

/// Random queries return the same together as alone.
pub async fn reads_equal_single_ones_for_random_queries(fixture: &impl Fixture) {
    let store = fixture.store();
    let mut random = Random::new(1_862);
    let tenants: Vec<ObjectId> = (0..3).map(|_| ObjectId::generate()).collect();
    let mut accounts: Vec<Account> = Vec::new();
    for number in 0..60 {
        let mut account = Account::new(*random.pick(&tenants), random.pick::<&str>(&["", "a", "ab", "$a", "日"]));
        account.rank = i64::try_from(random.below(4)).unwrap();
        account.active = random.below(2) == 0;
        account.owner_id = (number > 0 && random.below(2) == 0).then(|| random.pick(&accounts).id);
        account.email = (random.below(2) == 0).then(|| format!("{number}@example.org"));
        accounts.push(account);
    }
    insert(&store, &accounts).await.unwrap();
    for _ in 0..fixture.rounds() * 2 {
        let mut reads: Vec<Read> = Vec::new();
        for position in 0..2 + random.below(4) {
            let some = random.pick(&accounts).clone();
            let mut query = Query::new(&ACCOUNTS).limit(*random.pick(&[1, 3, 200]));
            query.descending = random.below(2) == 0;
            query.sort = ACCOUNTS.index(random.pick::<&str>(&["by_name", "by_rank", "by_tenant_active_rank"]));
            query = match random.below(6) {
                0 => query.equal("tenantId", some.tenant_id),
                1 => query.equal("tenantId", some.tenant_id).equal("active", true),
                2 => query.equal("rank", some.rank).filter(Filter::NotEqual("name", "a".into())),
                3 => query.filter(Filter::In("id", vec![some.id.into(), random.pick(&accounts).id.into()])),
                // A few keys in the order of ids, one of them twice, may be looked up one by one.
                4 if random.below(2) == 0 => {
                    (query.sort, query.descending) = (None, false);
                    let few = (0..2 + random.below(3)).map(|n| format!("email:{}@example.org", n % 2));
                    query.filter(Filter::UniqueKeyIn(few.collect()))
                }
                4 => query.filter(Filter::UniqueKeyIn((0..9).map(|n| format!("email:{n}@example.org")).collect())),
                _ => query.filter(Filter::Prefix("name", "a".to_owned())),
            };
            if random.below(3) == 0 {
                query.after = Some(model::position(&query, random.pick(&accounts)));
            }
            let field = if random.below(2) == 0 { "id" } else { "ownerId" };
            let origin = Origin { read: random.below(position.max(1)), field };
            reads.push(match random.below(8) {
                0 if position > 0 && query.after.is_none() => query.follow(Follow::First("ownerId", origin)),
                1 if position > 0 => query.follow(Follow::Any("id", origin)),
                2 if position > 0 && query.after.is_none() => query.follow(Follow::Each("ownerId", origin)),
                _ => query.into(),
            });
        }
        let together = store.read(&context(), &reads).await.unwrap();
        assert_eq!(together, crate::store::read::one_by_one(&*store, &context(), &reads).await.unwrap(), "{reads:#?}");
        for (read, answer) in reads.iter().zip(&together).filter(|(read, _)| read.follows.is_none()) {
            let found: Vec<Account> = answer.iter().map(|document| document.decode(&ACCOUNTS).unwrap()).collect();
            assert_eq!(found, model::answer(&read.query, &accounts), "{read:?}");
        }
    }
}

/// Reads with a tenant in each query never return another tenant's documents, whatever was found before.
pub async fn reads_never_show_another_tenants_documents(fixture: &impl Fixture) {
    let store = fixture.store();
    let [own, other] = [ObjectId::generate(), ObjectId::generate()];
    let mut accounts = named(own, &["own"]);
    accounts.extend(named(other, &["other", "other too"]));
    let owner = accounts[0].id;
    accounts.iter_mut().for_each(|account| account.owner_id = Some(owner));
    insert(&store, &accounts).await.unwrap();
    let of_own = || by("by_tenant_name").equal("tenantId", own);
    let reads = [
        of_own().into(),
        of_own().follow(Follow::First("ownerId", id(0))),
        of_own().follow(Follow::Any("ownerId", id(0))),
        of_own().follow(Follow::Each("ownerId", id(0))),
        of_own().follow(Follow::Any("id", Origin { read: 1, field: "ownerId" })),
    ];
    let mut answers = ask(&store, &reads).await;
    for _ in &reads {
        assert_eq!(names(&mut answers), ["own"]);
    }
}

/// Every query, on every handle, sees what was acknowledged before.
pub async fn a_read_shows_what_was_acknowledged_before(fixture: &impl Fixture) {
    let (store, second) = (fixture.store(), fixture.second().await);
    let mut account = Account::new(ObjectId::generate(), "0");
    account.owner_id = Some(account.id);
    insert(&store, std::slice::from_ref(&account)).await.unwrap();
    let reads = [
        Query::new(&ACCOUNTS).equal("id", account.id).into(),
        Query::new(&ACCOUNTS).equal("tenantId", account.tenant_id).into(),
        Query::new(&ACCOUNTS).follow(Follow::First("ownerId", id(0))),
    ];
    for number in 1..=fixture.rounds() {
        let (writer, reader) = if number % 2 == 0 { (&store, &second) } else { (&second, &store) };
        let next = account.changed(|account| account.name = number.to_string());
        update(writer, &account, &next).await.unwrap();
        for handle in [reader, writer] {
            let mut answers = ask(handle, &reads).await;
            for _ in &reads {
                assert_eq!(answers.all::<Account>().unwrap(), std::slice::from_ref(&next));
            }
        }
        account = next;
    }
    delete(&store, &account).await.unwrap();
    let mut answers = ask(&second, &reads).await;
    for _ in &reads {
        assert_eq!(names(&mut answers), [""; 0]);
    }
}

/// While documents change, each answer shows each of them as some commit left it.
pub async fn documents_that_change_meanwhile_are_whole(fixture: &impl Fixture) {
    let store = fixture.store();
    let tenant = ObjectId::generate();
    let mut accounts = named(tenant, &["0", "0"]);
    insert(&store, &accounts).await.unwrap();
    let (end, mut ended) = tokio::sync::oneshot::channel::<()>();
    let writing = tokio::spawn({
        let (store, rounds) = (fixture.second().await, fixture.rounds());
        async move {
            for number in 1..=rounds {
                let mut commit = Commit::new();
                for account in &mut accounts {
                    let next = account.changed(|account| {
                        account.name = number.to_string();
                        account.rank = i64::try_from(number).unwrap();
                        account.joined_at = Timestamp::from_seconds(account.rank);
                    });
                    commit.update(&next, account.version).unwrap();
                    *account = next;
                }
                store.commit(&context(), &commit).await.unwrap();
            }
            drop(end);
        }
    });
    let reads =
        [by("by_tenant_name").equal("tenantId", tenant).into(), Query::new(&ACCOUNTS).follow(Follow::Any("id", id(0)))];
    let mut seen = 0;
    while ended.try_recv() == Err(tokio::sync::oneshot::error::TryRecvError::Empty) {
        let mut answers = ask(&store, &reads).await;
        for _ in &reads {
            for account in answers.all::<Account>().unwrap() {
                assert_eq!(account.rank.to_string(), account.name);
                assert_eq!(account.version, account.rank.unsigned_abs() + 1);
                assert!(account.rank == 0 || account.joined_at == Timestamp::from_seconds(account.rank));
                seen += 1;
            }
        }
    }
    writing.await.unwrap();
    assert!(seen > 0);
}
