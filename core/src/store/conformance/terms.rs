//! Promises about terms: documents are found by prefixes of the words of their texts.

use super::{
    ACCOUNTS, Account, Fixture,
    entities::{context, delete, insert, update},
    model::{self, Random},
};
use crate::{
    domain::ObjectId,
    store::{Commit, Filter, Position, Query, Repository, SharedStore, StoreError, Value},
};

fn term(text: &str) -> Value {
    text.into()
}

fn by(index: &str) -> Query {
    Query::new(&ACCOUNTS).sort(ACCOUNTS.index(index).unwrap()).limit(1_000)
}

async fn names(store: &SharedStore, query: &Query) -> Vec<String> {
    let found: Vec<Account> = store.load_all(&context(), query).await.unwrap();
    found.into_iter().map(|account| account.name).collect()
}

fn account(tenant: ObjectId, name: &str, note: Option<&str>) -> Account {
    let mut account = Account::new(tenant, name);
    account.note = note.map(str::to_owned);
    account
}

/// A prefix of any word finds a document once, both as the sort index's term and as a further condition.
///
/// Marks tell in which field a word is.
pub async fn documents_are_found_by_the_beginnings_of_words(fixture: &impl Fixture) {
    let store = fixture.store();
    let tenant = ObjectId::generate();
    let accounts = [
        account(tenant, "Anna Annika Example", Some("plus")),
        account(tenant, "Éxample Ünter", Some("anna@xn--bcher-kva.eu")),
        account(tenant, "Zoe", None),
        account(tenant, "", Some("")),
    ];
    insert(&store, &accounts).await.unwrap();
    let cases: [(&str, &[&str]); 9] = [
        ("nann", &["Anna Annika Example"]),
        ("nexample", &["Anna Annika Example"]),
        ("néx", &["Éxample Ünter"]),
        ("nün", &["Éxample Ünter"]),
        ("obüc", &["Éxample Ünter"]),
        ("oanna", &["Éxample Ünter"]),
        ("nxample", &[]),
        ("n", &[]),
        ("", &[]),
    ];
    for (asked, expected) in cases {
        assert_eq!(names(&store, &by("by_word").equal("_words", term(asked))).await, expected, "{asked}");
        // With another sort index, or none, terms are conditions like others.
        assert_eq!(names(&store, &by("by_name").equal("_words", term(asked))).await, expected, "{asked}");
        let unsorted = Query::new(&ACCOUNTS).equal("_words", term(asked)).equal("tenantId", tenant);
        assert_eq!(names(&store, &unsorted).await, expected, "{asked}");
    }
    let both = by("by_word").equal("_words", term("nanna")).equal("_words", term("nexa"));
    assert_eq!(names(&store, &both).await, ["Anna Annika Example"]);
    assert_eq!(names(&store, &both.clone().equal("_words", term("nz"))).await, [""; 0]);
    let one_of = Filter::In("_words", vec![term("oanna"), term("nz"), term("nq")]);
    assert_eq!(names(&store, &by("by_name").filter(one_of.clone())).await, ["Zoe", "Éxample Ünter"]);
    assert_eq!(names(&store, &by("by_word").equal("_words", term("né")).filter(one_of)).await, ["Éxample Ünter"]);
    let ids = Filter::In("id", accounts.iter().map(|account| account.id.into()).collect());
    assert_eq!(names(&store, &by("by_word").equal("_words", term("nz")).filter(ids)).await, ["Zoe"]);
}

/// Pages by a term add up to the model's answer, in the order of the rest of the index and in both directions.
pub async fn terms_page_in_the_order_of_their_index(fixture: &impl Fixture) {
    let store = fixture.store();
    let tenants = [ObjectId::generate(), ObjectId::generate()];
    let mut random = Random::new(16);
    let words = ["ann", "anna", "ba", "bab", "é", "日本"];
    let accounts: Vec<Account> = (0..60)
        .map(|_| {
            let name = format!("{} {}", random.pick::<&str>(&words), random.pick::<&str>(&words));
            let mut account = Account::new(*random.pick(&tenants), &name);
            account.rank = *random.pick(&[1, 2, 3]);
            account.active = random.below(3) > 0;
            account
        })
        .collect();
    insert(&store, &accounts).await.unwrap();
    let in_tenant = |query: Query| query.equal("tenantId", tenants[0]).equal("active", true);
    for asked in ["nan", "nanna", "nb", "né", "n日"] {
        for query in [by("by_word"), in_tenant(by("by_tenant_active_word")), in_tenant(by("by_word"))] {
            for descending in [false, true] {
                let mut query = Query { descending, limit: 4, ..query.clone() }.equal("_words", term(asked));
                let expected = model::answer(&Query { limit: 1_000, ..query.clone() }, &accounts);
                let mut shown: Vec<Account> = Vec::new();
                loop {
                    let page: Vec<Account> = store.load_all(&context(), &query).await.unwrap();
                    let Some(last) = page.last() else { break };
                    query.after = Some(model::position(&query, last));
                    shown.extend(page);
                }
                assert_eq!(shown, expected, "{query:?}");
            }
        }
    }
}

/// A document is found by its current words, at its current place.
pub async fn terms_follow_updates_and_deletes(fixture: &impl Fixture) {
    let store = fixture.store();
    let tenant = ObjectId::generate();
    let first = account(tenant, "Old Name", Some("note"));
    insert(&store, &[first.clone(), account(tenant, "Other", None)]).await.unwrap();
    let found = async |asked: &str| names(&store, &by("by_word").equal("_words", term(asked))).await;
    let renamed = first.changed(|account| account.name = "New Name".to_owned());
    update(&store, &first, &renamed).await.unwrap();
    assert_eq!((found("nold").await, found("nnew").await), (vec![], vec!["New Name".to_owned()]));
    assert_eq!(found("nname").await, ["New Name"]);
    // The order changes and the words do not.
    let in_order = async |rank: i64| {
        let query = by("by_tenant_active_word").equal("tenantId", tenant).equal("active", true);
        let after = Some(Position { values: vec![rank.into()], id: ObjectId::from_bytes([0; 12]) });
        names(&store, &query.equal("_words", term("nname")).after(after)).await
    };
    let ranked = renamed.changed(|account| account.rank = 5);
    update(&store, &renamed, &ranked).await.unwrap();
    assert_eq!((in_order(5).await, in_order(6).await), (vec!["New Name".to_owned()], vec![]));
    let unnoted = ranked.changed(|account| account.note = None);
    update(&store, &ranked, &unnoted).await.unwrap();
    assert_eq!((found("onote").await, found("nname").await), (vec![], vec!["New Name".to_owned()]));
    delete(&store, &unnoted).await.unwrap();
    assert_eq!((found("nname").await, found("noth").await), (vec![], vec!["Other".to_owned()]));
}

/// Terms cannot be ordered: prefixes and ranges of them are refused, and so is sorting by them.
pub async fn terms_are_compared_as_a_whole(fixture: &impl Fixture) {
    let store = fixture.store();
    let refused = [
        by("by_word"),
        by("by_word").filter(Filter::In("_words", vec![term("na"), term("nb")])),
        by("by_name").filter(Filter::Prefix("_words", "na".to_owned())),
        by("by_name").filter(Filter::NotEqual("_words", term("na"))),
        by("by_name").filter(Filter::Range { field: "_words", from: Some(term("na")), until: None }),
    ];
    for query in refused {
        let found = store.find(&context(), &query).await;
        assert!(matches!(found, Err(StoreError::Unsupported { .. })), "{query:?}: {found:?}");
    }
}

/// Words of a refused commit find nothing.
pub async fn a_refused_commit_leaves_terms_alone(fixture: &impl Fixture) {
    let store = fixture.store();
    let tenant = ObjectId::generate();
    let mut first = account(tenant, "Kept", None);
    first.email = Some("a@example.org".to_owned());
    insert(&store, std::slice::from_ref(&first)).await.unwrap();
    let mut other = account(tenant, "Refused", None);
    other.email = first.email.clone();
    let mut commit = Commit::new();
    commit.update(&first.changed(|account| account.name = "Changed".to_owned()), first.version).unwrap();
    commit.insert(&other).unwrap();
    store.commit(&context(), &commit).await.unwrap_err();
    for (asked, expected) in [("nkept", vec!["Kept"]), ("nchanged", vec![]), ("nrefused", vec![])] {
        assert_eq!(names(&store, &by("by_word").equal("_words", term(asked))).await, expected, "{asked}");
    }
}
