//! Promises about conditions and counts.

use super::{
    ACCOUNTS, Account, Fixture,
    entities::{context, insert, update},
    model,
};
use crate::{
    clock::Timestamp,
    domain::ObjectId,
    store::{Filter, Index, Position, Query, Repository, SharedStore, StoreError, Value},
};

async fn names(store: &SharedStore, query: &Query) -> Vec<String> {
    let mut names: Vec<String> =
        store.load_all::<Account>(&context(), query).await.unwrap().into_iter().map(|account| account.name).collect();
    names.sort();
    names
}

fn named(names: &[&str]) -> Vec<Account> {
    let tenant = ObjectId::generate();
    names.iter().map(|name| Account::new(tenant, name)).collect()
}

fn all(filter: Filter) -> Query {
    Query::new(&ACCOUNTS).filter(filter).limit(1_000)
}

/// Equality works for text, integers, booleans, ids, times and the document's own id.
pub async fn equality_compares_every_type(fixture: &impl Fixture) {
    let store = fixture.store();
    let mut accounts = named(&["a", "A", "1", "true"]);
    accounts[0].rank = 1;
    accounts[1].active = false;
    accounts[2].owner_id = Some(ObjectId::generate());
    accounts[3].joined_at = Timestamp::from_milliseconds(-1);
    insert(&store, &accounts).await.unwrap();
    let cases: [(&'static str, Value, &[&str]); 8] = [
        ("name", "a".into(), &["a"]),
        ("name", "1".into(), &["1"]),
        ("rank", 1.into(), &["a"]),
        ("rank", 2.into(), &[]),
        ("ownerId", accounts[2].owner_id.unwrap().into(), &["1"]),
        ("joinedAt", Timestamp::from_milliseconds(-1).into(), &["true"]),
        ("id", accounts[1].id.into(), &["A"]),
        ("tenantId", ObjectId::generate().into(), &[]),
    ];
    for (field, value, expected) in cases {
        assert_eq!(names(&store, &all(Filter::Equal(field, value.clone()))).await, expected, "{field} {value:?}");
    }
    assert_eq!(names(&store, &all(Filter::Equal("active", false.into()))).await, ["A"]);
}

/// `in` finds documents that equal one of the values, each once.
pub async fn in_compares_with_several_values(fixture: &impl Fixture) {
    let store = fixture.store();
    let mut accounts = named(&["a", "b", "c"]);
    (0_i64..).zip(&mut accounts).for_each(|(rank, account)| account.rank = rank);
    insert(&store, &accounts).await.unwrap();
    let by_name = Filter::In("name", vec!["a".into(), "c".into(), "a".into(), "x".into()]);
    assert_eq!(names(&store, &all(by_name)).await, ["a", "c"]);
    let by_rank = Filter::In("rank", vec![1.into(), i64::MAX.into(), 2.into()]);
    assert_eq!(names(&store, &all(by_rank)).await, ["b", "c"]);
    let by_id = Filter::In("id", vec![accounts[0].id.into(), accounts[1].id.into(), ObjectId::generate().into()]);
    assert_eq!(names(&store, &all(by_id)).await, ["a", "b"]);
    assert_eq!(names(&store, &all(Filter::In("active", vec![true.into(), false.into()]))).await, ["a", "b", "c"]);
    assert_eq!(names(&store, &all(Filter::In("active", vec![false.into()]))).await, [""; 0]);
    let times = Filter::In("joinedAt", vec![accounts[0].joined_at.into(), Timestamp::from_seconds(1).into()]);
    assert_eq!(names(&store, &all(times)).await, ["a", "b", "c"]);
}

/// An `in` without values matches nothing.
pub async fn an_empty_in_matches_nothing(fixture: &impl Fixture) {
    let store = fixture.store();
    insert(&store, &named(&["a"])).await.unwrap();
    for filter in [Filter::In("name", Vec::new()), Filter::UniqueKeyIn(Vec::new())] {
        assert_eq!(names(&store, &all(filter.clone())).await, [""; 0]);
    }
}

/// `in` takes [`Query::MAXIMUM_VALUES`] values and refuses more.
pub async fn in_takes_a_thousand_values(fixture: &impl Fixture) {
    let store = fixture.store();
    let mut accounts = named(&["a", "b", "c"]);
    accounts.iter_mut().for_each(|account| account.email = Some(format!("{}@example.org", account.name)));
    insert(&store, &accounts).await.unwrap();
    let many = |count: usize| (0..count).map(|number| format!("{number}"));
    let values = |count| many(count - 1).map(Value::from).chain(["b".into()]).collect();
    assert_eq!(names(&store, &all(Filter::In("name", values(Query::MAXIMUM_VALUES)))).await, ["b"]);
    let ids = std::iter::repeat_with(|| ObjectId::generate().into()).take(999).chain([accounts[2].id.into()]);
    assert_eq!(names(&store, &all(Filter::In("id", ids.collect()))).await, ["c"]);
    let keys = many(999).chain(["email:a@example.org".to_owned()]).collect();
    assert_eq!(names(&store, &all(Filter::UniqueKeyIn(keys))).await, ["a"]);
    let refused = store.find(&context(), &all(Filter::In("name", values(1_001)))).await;
    assert!(matches!(refused, Err(StoreError::Unsupported { .. })), "{refused:?}");
}

/// A range includes its lower bound and excludes its upper bound; each may be omitted.
pub async fn ranges_include_their_start_and_exclude_their_end(fixture: &impl Fixture) {
    let store = fixture.store();
    let mut accounts = named(&["a", "b", "c", "d"]);
    for (account, rank) in accounts.iter_mut().zip([i64::MIN, -1, 10, i64::MAX]) {
        account.rank = rank;
        account.joined_at = Timestamp::from_milliseconds(rank.clamp(-1_000_000, 1_000_000));
    }
    insert(&store, &accounts).await.unwrap();
    let range = |field, from: Option<Value>, until: Option<Value>| all(Filter::Range { field, from, until });
    let time = |milliseconds| Some(Value::Time(Timestamp::from_milliseconds(milliseconds)));
    let id = |number: usize| Some(Value::Id(accounts[number].id));
    let cases: [(Query, &[&str]); 9] = [
        (range("rank", Some((-1).into()), Some(10.into())), &["b"]),
        (range("rank", Some(9.into()), None), &["c", "d"]),
        (range("rank", None, Some(i64::MAX.into())), &["a", "b", "c"]),
        (range("rank", None, None), &["a", "b", "c", "d"]),
        (range("name", Some("b".into()), Some("cc".into())), &["b", "c"]),
        (range("joinedAt", time(-1), time(11)), &["b", "c"]),
        (range("joinedAt", time(11), None), &["d"]),
        (range("id", id(1), id(3)), &["b", "c"]),
        (range("rank", Some(10.into()), Some((-1).into())), &[]),
    ];
    for (query, expected) in cases {
        assert_eq!(names(&store, &query).await, expected, "{query:?}");
    }
}

/// Prefixes are compared literally: no wildcards or patterns, case-sensitive, and without Unicode normalization.
pub async fn prefixes_are_literal_and_case_sensitive(fixture: &impl Fixture) {
    let store = fixture.store();
    let stored = [
        "acme",
        "Acme",
        "acme corp",
        "a%b",
        "a%",
        "a_b",
        "axb",
        "a.b",
        "^a",
        "a*",
        "a**",
        "[a]b",
        "(a",
        "a\\b",
        "a\\",
        "$a",
        "'a",
        "\"a",
        "Zürich",
        "Zu\u{308}rich",
        "Zurich",
        "日本語",
        "日本",
        "日",
        "👍🏽",
        "👍",
        "",
    ];
    let accounts = named(&stored);
    insert(&store, &accounts).await.unwrap();
    let asked = [
        "ac", "acme", "A", "a%", "a_", "a.", "^", "a*", "[", "(", "a\\", "$", "'", "\"", "Zü", "Zu", "日本", "👍", "x",
        "",
    ];
    for prefix in asked {
        let query = all(Filter::Prefix("name", prefix.to_owned()));
        let mut expected: Vec<String> =
            stored.iter().filter(|name| name.starts_with(prefix)).map(|name| (*name).to_owned()).collect();
        expected.sort();
        assert_eq!(names(&store, &query).await, expected, "{prefix:?}");
        // Wherever a page begins, before or after the prefix, it has nothing else.
        for reached in ["", "A", "ac", prefix, "b", "日", "\u{10ffff}"] {
            for descending in [false, true] {
                let id = ObjectId::from_bytes(if descending { [0xff; 12] } else { [0; 12] });
                let position = Position { values: vec![reached.into()], id };
                let mut page = query.clone().sort(ACCOUNTS.index("by_name").unwrap()).after(Some(position));
                page.descending = descending;
                let beyond =
                    |name: &String| if descending { name.as_str() <= reached } else { name.as_str() >= reached };
                let mut expected: Vec<String> = expected.iter().filter(|name| beyond(name)).cloned().collect();
                if descending {
                    expected.reverse();
                }
                let found = store.find(&context(), &page).await.unwrap();
                let found: Vec<String> =
                    found.iter().map(|document| document.decode::<Account>(&ACCOUNTS).unwrap().name).collect();
                assert_eq!(found, expected, "{prefix:?} after {reached:?}, descending: {descending}");
            }
        }
    }
}

/// Prefixes that end with the last characters of a range or of Unicode find the texts that begin with them.
pub async fn prefixes_reach_the_end_of_unicode(fixture: &impl Fixture) {
    let store = fixture.store();
    let stored = [
        "\u{d7ff}",
        "\u{d7ff}a",
        "\u{e000}",
        "\u{ffff}",
        "\u{10ffff}",
        "\u{10ffff}\u{10ffff}",
        "a\u{10ffff}",
        "a\u{10ffff}b",
        "b",
    ];
    insert(&store, &named(&stored)).await.unwrap();
    for prefix in ["\u{d7ff}", "\u{e000}", "\u{ffff}", "\u{10ffff}", "\u{10ffff}\u{10ffff}", "a\u{10ffff}", "a"] {
        let mut expected: Vec<&str> = stored.iter().copied().filter(|name| name.starts_with(prefix)).collect();
        expected.sort_unstable();
        assert_eq!(names(&store, &all(Filter::Prefix("name", prefix.to_owned()))).await, expected, "{prefix:?}");
    }
}

/// All conditions must hold, also several on one field.
pub async fn conditions_are_combined(fixture: &impl Fixture) {
    let store = fixture.store();
    let mut accounts = named(&["aa", "ab", "ac", "ba"]);
    (0_i64..).zip(&mut accounts).for_each(|(rank, account)| account.rank = rank);
    accounts[1].active = false;
    accounts[0].email = Some("a@example.org".to_owned());
    accounts[3].email = Some("b@example.org".to_owned());
    insert(&store, &accounts).await.unwrap();
    let tenant = accounts[0].tenant_id;
    let prefix = || Filter::Prefix("name", "a".to_owned());
    let keys = || Filter::UniqueKeyIn(vec!["email:a@example.org".to_owned(), "email:b@example.org".to_owned()]);
    let rank =
        |from: i64, until: i64| Filter::Range { field: "rank", from: Some(from.into()), until: Some(until.into()) };
    let cases: [(Query, &[&str]); 8] = [
        (all(prefix()).equal("tenantId", tenant).equal("active", true), &["aa", "ac"]),
        (all(prefix()).filter(rank(1, 9)), &["ab", "ac"]),
        (all(prefix()).filter(rank(1, 9)).filter(rank(0, 2)), &["ab"]),
        (all(keys()).filter(prefix()), &["aa"]),
        (all(keys()).equal("tenantId", ObjectId::generate()), &[]),
        (all(Filter::Equal("name", "aa".into())).equal("name", "ab"), &[]),
        (all(Filter::NotEqual("name", "aa".into())).filter(prefix()), &["ab", "ac"]),
        (all(Filter::NotEqual("ownerId", tenant.into())).filter(prefix()), &["aa", "ab", "ac"]),
    ];
    for (query, expected) in cases {
        assert_eq!(names(&store, &query).await, expected, "{query:?}");
    }
}

/// Documents that lack an optional field are found by conditions on others, and never by one on that field.
pub async fn conditions_find_documents_that_lack_other_fields(fixture: &impl Fixture) {
    let store = fixture.store();
    let mut accounts = named(&["owned", "free"]);
    accounts[0].owner_id = Some(ObjectId::generate());
    insert(&store, &accounts).await.unwrap();
    assert_eq!(names(&store, &all(Filter::Prefix("name", String::new()))).await, ["free", "owned"]);
    let from_least = Filter::Range { field: "ownerId", from: Some(ObjectId::from_bytes([0; 12]).into()), until: None };
    assert_eq!(names(&store, &all(from_least)).await, ["owned"]);
    let owner = Filter::In("ownerId", vec![accounts[0].owner_id.unwrap().into(), ObjectId::generate().into()]);
    assert_eq!(names(&store, &all(owner)).await, ["owned"]);
}

/// Several unique keys find their holders, each once.
pub async fn unique_keys_find_their_documents(fixture: &impl Fixture) {
    let store = fixture.store();
    let mut accounts = named(&["a", "b", "c"]);
    accounts[0].email = Some("a@example.org".to_owned());
    accounts[0].handles = vec!["one".to_owned(), "two".to_owned()];
    accounts[1].handles = vec!["three".to_owned()];
    insert(&store, &accounts).await.unwrap();
    let find = |keys: &[&str]| all(Filter::UniqueKeyIn(keys.iter().map(|key| (*key).to_owned()).collect()));
    assert_eq!(names(&store, &find(&["handle:one", "handle:two", "email:a@example.org"])).await, ["a"]);
    assert_eq!(names(&store, &find(&["handle:one", "handle:three", "handle:four"])).await, ["a", "b"]);
    assert_eq!(names(&store, &find(&["handle:ONE", "one", "handle:o", ""])).await, [""; 0]);
    let sorted = find(&["handle:three", "handle:one"]).sort(ACCOUNTS.index("by_name").unwrap()).descending().limit(1);
    assert_eq!(names(&store, &sorted).await, ["b"]);
}

/// Queries on undeclared fields and indexes are refused, never scanned.
pub async fn undeclared_queries_are_refused(fixture: &impl Fixture) {
    static FOREIGN: Index = Index { name: "by_note", fields: &["note"] };
    let store = fixture.store();
    let account = named(&["a"]).remove(0);
    insert(&store, std::slice::from_ref(&account)).await.unwrap();
    let misplaced = Position { values: vec!["a".into()], id: account.id };
    let refused = [
        all(Filter::Equal("note", "x".into())),
        all(Filter::In("nowhere", vec!["x".into()])),
        all(Filter::Range { field: "leftAt", from: None, until: None }),
        all(Filter::Prefix("email", "x".to_owned())),
        Query::new(&ACCOUNTS).sort(&FOREIGN),
        Query::new(&ACCOUNTS).after(Some(misplaced)),
    ];
    for query in refused {
        let found = store.find(&context(), &query).await;
        assert!(matches!(found, Err(StoreError::Unsupported { .. })), "{query:?}: {found:?}");
        let read = store.read(&context(), &[all(Filter::Equal("name", "a".into())).into(), query.clone().into()]).await;
        assert!(matches!(read, Err(StoreError::Unsupported { .. })), "{query:?}: {read:?}");
    }
}

/// After an update a document is found by its new values only.
pub async fn updates_move_documents_between_results(fixture: &impl Fixture) {
    let store = fixture.store();
    let before = named(&["before"]).remove(0);
    insert(&store, std::slice::from_ref(&before)).await.unwrap();
    let after = before.changed(|account| {
        account.name = "after".to_owned();
        account.owner_id = Some(account.id);
        account.active = false;
    });
    update(&store, &before, &after).await.unwrap();
    let accounts = [after.clone()];
    for query in [
        all(Filter::Equal("name", "before".into())),
        all(Filter::Equal("name", "after".into())),
        all(Filter::Equal("ownerId", before.id.into())),
        all(Filter::Equal("active", true.into())),
        all(Filter::Equal("active", false.into())),
    ] {
        let found = store.load_all::<Account>(&context(), &query).await.unwrap();
        assert_eq!(found, model::answer(&query, &accounts), "{query:?}");
    }
    let unowned = after.changed(|account| account.owner_id = None);
    update(&store, &after, &unowned).await.unwrap();
    assert_eq!(names(&store, &all(Filter::Equal("ownerId", before.id.into()))).await, [""; 0]);
}
