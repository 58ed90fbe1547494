//! Tests that representative queries use an index.

use dezky::{
    clock::Timestamp,
    context::RequestContext,
    domain::ObjectId,
    store::{
        Commit, Filter, Position, Query, Store,
        conformance::{ACCOUNTS, Account, COLLECTIONS},
        mongodb::{MongodbOptions, MongodbStore},
    },
    test_kit::mongodb_server::shared_uri,
};
use mongodb::bson::doc;

#[tokio::test(flavor = "multi_thread")]
async fn queries_use_an_index_and_never_scan_a_collection() {
    let context = RequestContext::system("plans");
    let uri = shared_uri().unwrap();
    let store = MongodbStore::open(&uri, MongodbOptions::default(), &COLLECTIONS).unwrap();
    let tenant = ObjectId::generate();
    let mut commit = Commit::new();
    for number in 0..50 {
        let mut account = Account::new(tenant, &format!("name {number}"));
        account.rank = number;
        account.email = Some(format!("{number}@example.org"));
        commit.insert(&account).unwrap();
    }
    store.commit(&context, &commit).await.unwrap();
    let page = |values| Some(Position { values, id: tenant });
    let by = |name| ACCOUNTS.index(name).unwrap();
    let queries = [
        Query::unique(&ACCOUNTS, "email:7@example.org".to_owned()),
        Query::new(&ACCOUNTS)
            .filter(Filter::UniqueKeyIn(vec!["email:1@example.org".into(), "email:2@example.org".into()])),
        Query::new(&ACCOUNTS).equal("id", tenant),
        Query::new(&ACCOUNTS).equal("ownerId", tenant),
        Query::new(&ACCOUNTS).filter(Filter::Prefix("name", "name 1".to_owned())).sort(by("by_name")),
        Query::new(&ACCOUNTS).equal("tenantId", tenant).sort(by("by_tenant_name")),
        Query::new(&ACCOUNTS).equal("tenantId", tenant).sort(by("by_tenant_name")).after(page(vec!["name 2".into()])),
        Query::new(&ACCOUNTS)
            .equal("tenantId", tenant)
            .equal("active", true)
            .sort(by("by_tenant_active_rank"))
            .descending(),
        Query::new(&ACCOUNTS).sort(by("by_joined")).descending().after(page(vec![Timestamp::from_seconds(9).into()])),
        Query::new(&ACCOUNTS).equal("_words", "nname").sort(by("by_word")).after(page(vec!["name 2".into()])),
        Query::new(&ACCOUNTS)
            .equal("tenantId", tenant)
            .equal("active", true)
            .equal("_words", "n7")
            .equal("_words", "nname")
            .sort(by("by_tenant_active_word")),
        Query::new(&ACCOUNTS).filter(Filter::Range { field: "rank", from: Some(3.into()), until: Some(9.into()) }),
    ];
    for query in queries {
        let plan = store.explain(&context, &query).await.unwrap();
        assert!(plan.contains("IXSCAN") || plan.contains("IDHACK") || plan.contains("EXPRESS"), "{query:?}: {plan}");
        assert!(!plan.contains("COLLSCAN"), "{query:?}: {plan}");
    }
    let client = mongodb::Client::with_uri_str(&uri).await.unwrap();
    client.default_database().unwrap().run_command(doc! { "dropDatabase": 1 }).await.unwrap();
}
