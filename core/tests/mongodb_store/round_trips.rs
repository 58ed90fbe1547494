//! Tests of the number of commands that requests send to the server.

use std::sync::Arc;

use dezky::{
    context::RequestContext,
    domain::ObjectId,
    store::{
        Commit, Expectation, Follow, Origin, Query, Read,
        conformance::{ACCOUNTS, Account},
        mongodb::{MongodbOptions, MongodbStore},
    },
    trace::TraceContext,
};
use mongodb::bson::doc;

use crate::{
    every_read::Api,
    fixture::{fixture, object_id},
};

/// A round trip is at least one command, so these are at most this many round trips.
#[tokio::test(flavor = "multi_thread")]
async fn every_get_list_and_profile_sends_at_most_two_commands() {
    let fixture = fixture().await;
    let (_, name) = fixture.uri.rsplit_once('/').unwrap();
    let uri = format!("mongodb://{}/{name}?directConnection=true", fixture.proxy.address);
    let store = MongodbStore::open(&uri, MongodbOptions::default(), dezky::COLLECTIONS).unwrap();
    let api = Api::new(Arc::new(store)).await;
    let mut largest = 0;
    let look = |path: Option<&str>| {
        let commands = fixture.proxy.take_reads();
        if let Some(path) = path {
            assert!((1..=2).contains(&commands.len()), "{path}: {commands:?}");
            largest = largest.max(commands.len());
        }
    };
    api.each_read(look).await;
    assert_eq!(largest, 2);
}

/// The number of commands tells nobody whether there is something that they may not see.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_absent_costs_the_commands_of_what_is_there_unless_it_is_expected() {
    let fixture = fixture().await;
    let context = RequestContext::system("absent");
    let account = Account::new(ObjectId::generate(), "there");
    let mut commit = Commit::new();
    commit.insert(&account).unwrap();
    fixture.store.commit(&context, &commit).await.unwrap();
    for (id, is_expected, commands) in [
        (account.id, false, 1),
        (ObjectId::generate(), false, 1),
        (account.id, true, 1),
        (ObjectId::generate(), true, 3),
    ] {
        fixture.proxy.take_reads();
        let mut first: Read = Query::new(&ACCOUNTS).equal("id", id).into();
        first.is_expected = is_expected;
        let owned = Query::new(&ACCOUNTS).follow(Follow::First("ownerId", Origin { read: 0, field: "id" }));
        fixture.store.read(&context, &[first, owned]).await.unwrap();
        assert_eq!(fixture.proxy.take_reads().len(), commands, "expected: {is_expected}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_a_sampled_trace_name_it() {
    let fixture = fixture().await;
    let trace: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
    let mut context = RequestContext::system("traced");
    fixture.store.find(&context, &Query::new(&ACCOUNTS)).await.unwrap();
    let (tenant, mut seen) = (ObjectId::generate(), Vec::new());
    for (sampled, trace) in [(true, Some(trace)), (false, Some(TraceContext::start())), (false, None)] {
        context.trace = trace;
        fixture.proxy.take_comments();
        let account = Account::new(tenant, &ObjectId::generate().to_string());
        let other = Account::new(tenant, &ObjectId::generate().to_string());
        let commits: [&dyn Fn(&mut Commit); 4] = [
            &|commit| commit.insert(&account).unwrap(),
            &|commit| {
                commit.insert(&other).unwrap();
                commit.expect(&ACCOUNTS, account.id, Expectation::Version(account.version));
                commit.expect(&ACCOUNTS, ObjectId::generate(), Expectation::Absent);
            },
            &|commit| commit.update(&account.changed(|account| account.rank = 1), account.version).unwrap(),
            &|commit| commit.delete(&other),
        ];
        for change in commits {
            let mut commit = Commit::new();
            change(&mut commit);
            fixture.store.commit(&context, &commit).await.unwrap();
        }
        fixture.store.get(&context, &ACCOUNTS, account.id).await.unwrap();
        fixture.store.find(&context, &Query::new(&ACCOUNTS).equal("tenantId", tenant)).await.unwrap();
        let query = || Query::new(&ACCOUNTS).equal("id", account.id);
        fixture.store.read(&context, &[query().into(), query().into()]).await.unwrap();
        let commands = fixture.proxy.take_comments();
        let expected = sampled.then(|| format!("traceparent:'{}'", trace.unwrap()));
        for (command, comment) in &commands {
            // The end of a transaction has none.
            if ["find", "aggregate", "insert", "update", "delete"].contains(&command.as_str()) {
                assert_eq!(*comment, expected, "{command}");
                seen.push(command.clone());
            }
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen, ["aggregate", "delete", "find", "insert", "update"]);
}

/// Answers that do not fit into one document of the server are read one by one.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_too_large_for_one_document_come_all_the_same() {
    let fixture = fixture().await;
    let context = dezky::context::RequestContext::system("large");
    let tenant = dezky::domain::ObjectId::generate();
    let mut ids = Vec::new();
    for number in 0..3 {
        let mut account = Account::new(tenant, &number.to_string());
        account.owner_id = Some(account.id);
        let mut commit = dezky::store::Commit::new();
        commit.insert(&account).unwrap();
        fixture.store.commit(&context, &commit).await.unwrap();
        ids.push(account.id);
        let large = doc! { "$set": { "note": "x".repeat(7 << 20) } };
        let documents = fixture.database.collection::<mongodb::bson::Document>(ACCOUNTS.name);
        documents.update_one(doc! { "_id": object_id(account.id) }, large).await.unwrap();
    }
    let of_tenant = Query::new(&ACCOUNTS).equal("tenantId", tenant).sort(ACCOUNTS.index("by_tenant_name").unwrap());
    let owned = Query::new(&ACCOUNTS).follow(Follow::Any("id", Origin { read: 0, field: "ownerId" }));
    let context = context.with_timeout(std::time::Duration::from_secs(60));
    let found = fixture.store.read(&context, &[of_tenant.into(), owned]).await.unwrap();
    for answer in found {
        assert_eq!(answer.iter().map(|document| document.id).collect::<Vec<_>>(), ids);
        assert!(answer.iter().all(|document| document.json.len() > 7 << 20));
    }
}
