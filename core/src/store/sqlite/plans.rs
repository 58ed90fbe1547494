//! Tests that queries are served by indexes, in order, without sorting or scanning.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use std::time::Duration;

use rusqlite::{Connection, params_from_iter};

use super::{
    connection,
    statements::{Statement, Tables},
};
use crate::{
    clock::Timestamp,
    object_id::ObjectId,
    store::{
        Filter, Position, Query, Value,
        conformance::{ACCOUNTS, COLLECTIONS},
    },
};

/// Returns the steps of SQLite's plan for a statement.
fn plan(connection: &Connection, statement: &Statement<'_>) -> Vec<String> {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", statement.sql)).unwrap();
    let steps = explain.query_map(params_from_iter(&statement.parameters), |row| row.get("detail")).unwrap();
    steps.map(Result::unwrap).collect()
}

fn tenant() -> Value {
    Value::Id(ObjectId::generate())
}

fn sorted(index: &str) -> Query {
    Query::new(&ACCOUNTS).sort(ACCOUNTS.index(index).unwrap())
}

fn after(query: Query, values: Vec<Value>) -> Query {
    query.after(Some(Position { values, id: ObjectId::generate() }))
}

/// Returns queries as made by lists and lookups, each with the start of the step that has to serve it.
fn queries() -> Vec<(Query, &'static str)> {
    let all = || Query::new(&ACCOUNTS);
    let by_name = || sorted("by_tenant_name").equal("tenantId", tenant());
    let keys = |count: usize| Filter::UniqueKeyIn((0..count).map(|key| key.to_string()).collect());
    let prefix = || Filter::Prefix("name", "a".to_owned());
    let by_owner = all().equal("ownerId", tenant());
    let recent = Filter::Range { field: "joinedAt", from: Some(Timestamp::from_seconds(1).into()), until: None };
    let pair = || vec![Value::from("a"), Value::from("b")];
    vec![
        (all(), "SCAN conformance_accounts"),
        (after(all(), Vec::new()), "SEARCH conformance_accounts USING PRIMARY KEY (id>?)"),
        (all().equal("id", tenant()), "SEARCH conformance_accounts USING PRIMARY KEY (id=?)"),
        (
            all().filter(Filter::In("id", vec![tenant(), tenant()])),
            "SEARCH conformance_accounts USING PRIMARY KEY (id=?)",
        ),
        (all().filter(keys(1)), "SEARCH conformance_accounts USING PRIMARY KEY (id=?)"),
        (all().filter(keys(3)), "SEARCH conformance_accounts USING PRIMARY KEY (id=?)"),
        (by_owner.clone(), "SEARCH conformance_accounts USING INDEX conformance_accounts_by_owner (field_ownerId=?)"),
        (
            by_owner.descending(),
            "SEARCH conformance_accounts USING INDEX conformance_accounts_by_owner (field_ownerId=?)",
        ),
        (by_name(), "SEARCH conformance_accounts USING INDEX conformance_accounts_by_tenant_name (field_tenantId=?)"),
        (
            by_name().descending(),
            "SEARCH conformance_accounts USING INDEX conformance_accounts_by_tenant_name (field_tenantId=?)",
        ),
        (
            after(by_name(), vec!["a".into()]),
            "SEARCH conformance_accounts USING INDEX conformance_accounts_by_tenant_name (field_tenantId=? AND (field_name,id)>(?,?))",
        ),
        (
            after(by_name().descending(), vec!["a".into()]),
            "SEARCH conformance_accounts USING INDEX conformance_accounts_by_tenant_name (field_tenantId=? AND (field_name,id)<(?,?))",
        ),
        (
            by_name().filter(prefix()),
            "SEARCH conformance_accounts USING INDEX conformance_accounts_by_tenant_name (field_tenantId=? AND field_name>? AND field_name<?)",
        ),
        (sorted("by_name"), "SCAN conformance_accounts USING INDEX conformance_accounts_by_name"),
        (
            after(sorted("by_name"), vec!["a".into()]),
            "SEARCH conformance_accounts USING INDEX conformance_accounts_by_name ((field_name,id)>(?,?))",
        ),
        (
            sorted("by_name").filter(prefix()),
            "SEARCH conformance_accounts USING INDEX conformance_accounts_by_name (field_name>? AND field_name<?)",
        ),
        // Further pages begin where the last one ended, not where the search does.
        (
            after(sorted("by_name").filter(prefix()), vec!["ab".into()]),
            "SEARCH conformance_accounts USING INDEX conformance_accounts_by_name ((field_name,id)>(?,?) AND field_name<?)",
        ),
        (
            after(by_name().filter(prefix()), vec!["ab".into()]),
            "SEARCH conformance_accounts USING INDEX conformance_accounts_by_tenant_name (field_tenantId=? AND (field_name,id)>(?,?) AND field_name<?)",
        ),
        (
            after(sorted("by_name").filter(prefix()).descending(), vec!["ab".into()]),
            "SEARCH conformance_accounts USING INDEX conformance_accounts_by_name (field_name>? AND (field_name,id)<(?,?))",
        ),
        (
            sorted("by_joined").filter(recent).descending(),
            "SEARCH conformance_accounts USING INDEX conformance_accounts_by_joined (field_joinedAt>?)",
        ),
        (
            sorted("by_tenant_active_rank").equal("tenantId", tenant()).equal("active", true),
            "SEARCH conformance_accounts USING INDEX conformance_accounts_by_tenant_active_rank (field_tenantId=? AND field_active=?)",
        ),
        // The table of terms leads, and documents are joined by id.
        (
            sorted("by_word").equal("_words", "na"),
            "SEARCH conformance_accounts_by_word USING PRIMARY KEY (field__words=?)",
        ),
        (
            after(sorted("by_word").equal("_words", "na"), vec!["a".into()]),
            "SEARCH conformance_accounts_by_word USING PRIMARY KEY (field__words=? AND (field_name,id)>(?,?))",
        ),
        (
            after(sorted("by_word").equal("_words", "na").descending(), vec!["a".into()]),
            "SEARCH conformance_accounts_by_word USING PRIMARY KEY (field__words=? AND (field_name,id)<(?,?))",
        ),
        (
            sorted("by_word").equal("_words", "na").equal("active", true),
            "SEARCH conformance_accounts USING PRIMARY KEY (id=?)",
        ),
        (
            sorted("by_word").equal("_words", "na").equal("_words", "nb").filter(Filter::In("_words", pair())),
            "SEARCH others EXISTS USING PRIMARY KEY (field__words=? AND field_name=? AND id=?)",
        ),
        (
            after(
                sorted("by_tenant_active_word").equal("tenantId", tenant()).equal("active", true).equal("_words", "na"),
                vec![1.into()],
            ),
            "SEARCH conformance_accounts_by_tenant_active_word USING PRIMARY KEY (field_tenantId=? AND field_active=? AND \
             field__words=? AND (field_rank,id)>(?,?))",
        ),
        (
            sorted("by_name").filter(prefix()).equal("_words", "na"),
            "SEARCH conformance_accounts USING INDEX conformance_accounts_by_name (field_name>? AND field_name<?)",
        ),
        (
            sorted("by_tenant_name").equal("tenantId", tenant()).filter(Filter::In("name", pair())),
            "SEARCH conformance_accounts USING INDEX conformance_accounts_by_tenant_name (field_tenantId=? AND field_name=?)",
        ),
    ]
}

#[test]
fn queries_are_served_by_indexes_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (connection, _bound) =
        connection::open_writer(&folder.path().join("plans.db"), &COLLECTIONS, Duration::from_secs(5)).unwrap();
    let tables = Tables::new(&COLLECTIONS);
    for (query, expected) in queries() {
        let steps = plan(&connection, &tables.get(&ACCOUNTS).unwrap().find(&query).unwrap().unwrap());
        assert!(steps.iter().any(|step| step.starts_with(expected)), "{query:?}\n{steps:#?}");
        // `IN` lists are read from their own small tables; everything else must be a search.
        let scans = steps.iter().filter(|step| step.starts_with("SCAN") && !step.contains("json_each"));
        assert_eq!(scans.count(), usize::from(expected.starts_with("SCAN")), "{query:?}\n{steps:#?}");
        let may_sort = query.filters.iter().any(|filter| match filter {
            Filter::In(_, values) => values.len() > 1,
            Filter::UniqueKeyIn(keys) => keys.len() > 1,
            _ => false,
        });
        assert!(may_sort || !steps.iter().any(|step| step.contains("TEMP B-TREE")), "{query:?}\n{steps:#?}");
    }
}
