//! Tests of a server on a database of the replaced service that was not migrated.

use mongodb::{
    IndexModel,
    bson::{Document, doc},
    options::IndexOptions,
};
use serde_json::Value;

use crate::{
    database::{Legacy, id, tenant, user},
    support::{
        await_ready, json, request,
        served::{Issuer, start},
    },
};

/// Makes a database with the development issuer's administrator, and unique indexes as Mongoose creates them.
async fn with_indexes(fields: &[(&str, &str)], subject: &str) -> Legacy {
    let legacy = Legacy::empty().await;
    legacy.insert("tenants", tenant(1, "acme", None)).await;
    legacy.insert("users", user(10, subject, &[1])).await;
    for (collection, field) in fields {
        let options = IndexOptions::builder().unique(true).sparse(true).build();
        let index = IndexModel::builder().keys(doc! { *field: 1 }).options(options).build();
        legacy.database.collection::<Document>(collection).create_index(index).await.unwrap();
    }
    legacy
}

/// Subject of the development issuer's administrator.
const ADMIN: &str = "paul";

/// Returns the level and message of the doctor's findings about the migration.
fn diagnosis(legacy: &Legacy) -> Vec<(String, String)> {
    let output = legacy.run(&["doctor", "--json", "--store", &legacy.uri]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let of_migration = findings.filter(|finding| finding["check"] == "migration");
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    of_migration.map(|finding| (text(finding, "level"), text(finding, "message"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_is_told_before_anybody_signs_in_and_people_what_to_wait_for() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(folder.path());
    let indexes: [&[(&str, &str)]; 3] =
        [&[("users", "authentikSubjectId")], &[("users", "authentikSubjectId"), ("tenants", "slug")], &[]];
    for indexes in indexes {
        let legacy = with_indexes(indexes, ADMIN).await;
        // The doctor runs before any server has.
        let found = diagnosis(&legacy);
        assert!(matches!(found.as_slice(), [(level, _)] if level == "error"), "{found:?}");
        assert!(found[0].1.contains("`users`") && found[0].1.contains("`tenants`"), "{found:?}");
        for (_, field) in indexes {
            assert!(found[0].1.contains(field), "{found:?}");
        }
        let server = start(&[], folder.path(), &legacy.uri, &issuer, &[]);
        let told = loop {
            let report = await_ready(&server.address, false);
            let obstacles = report["notReady"].as_array().unwrap().clone();
            // The issuer's keys may not have arrived yet.
            if let Some(migration) = obstacles.into_iter().find(|obstacle| obstacle["what"] == "migration") {
                break migration["why"].as_str().unwrap().to_owned();
            }
        };
        assert!(told.contains("dezky migrate") && told.contains("`users`"), "{told}");
        if !indexes.is_empty() {
            assert!(told.contains("authentikSubjectId"), "{told}");
            let answer = request(&server.address, "GET", "/users/me", Some(&issuer.admin));
            let problem = json(&answer);
            assert_eq!((answer.0, &problem["code"]), (503, &"migration_incomplete".into()), "{problem:#}");
        }
        drop(server);
        // Again on a new database, without unfinished transactions of a server.
        let legacy = with_indexes(indexes, ADMIN).await;
        let (code, report) = legacy.migrate(&[]);
        assert_eq!(code, 0, "{report:#}");
        assert_eq!(diagnosis(&legacy), []);
        let server = start(&[], folder.path(), &legacy.uri, &issuer, &[]);
        await_ready(&server.address, true);
        let answer = request(&server.address, "GET", "/users/me", Some(&issuer.admin));
        assert_eq!((answer.0, &json(&answer)["user"]["id"]), (200, &id(10).to_hex().into()));
    }
}

/// Documents that a migration leaves for manual decisions keep nobody else out.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_migration_has_left_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(folder.path());
    let legacy = with_indexes(&[("tenants", "slug")], ADMIN).await;
    let mut unreadable = tenant(2, "beta", None);
    unreadable.remove("name");
    legacy.insert("tenants", unreadable).await;
    assert_eq!(legacy.migrate(&[]).0, 7);
    let found = diagnosis(&legacy);
    assert!(matches!(found.as_slice(), [(level, _)] if level == "warning"), "{found:?}");
    let server = start(&[], folder.path(), &legacy.uri, &issuer, &[]);
    await_ready(&server.address, true);
    assert_eq!(request(&server.address, "GET", "/users/me", Some(&issuer.admin)).0, 200);
}
