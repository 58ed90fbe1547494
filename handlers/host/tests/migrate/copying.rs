//! Tests of copies between stores.

use std::collections::BTreeSet;

use mongodb::bson::{Bson, Document, doc};

use crate::database::{Dump, Legacy, id, report, subscription, tenant, user};
use crate::lived_in::lived_in;
use crate::support::{Process, dezky};

/// Number of people in a copy that is killed half way: two batches, and it is killed in the first.
const USERS: u32 = 900;

/// Makes an upgraded database with documents in every collection.
async fn upgraded(users: u32) -> Legacy {
    let legacy = if users > 1 { Legacy::alone().await } else { Legacy::empty().await };
    legacy.insert("tenants", tenant(1, "acme", Some("acme-people"))).await;
    legacy.insert("subscriptions", subscription(20, 1, "active")).await;
    let people: Vec<Document> = (0..users).map(|number| user(100 + number, &format!("s{number}"), &[1])).collect();
    for people in people.chunks(1_000) {
        legacy.database.collection::<Document>("users").insert_many(people).await.unwrap();
    }
    assert_eq!(legacy.migrate(&[]).0, 0);
    legacy.update("tenants", doc! { "_id": id(1) }, doc! { "$set": { "version": 41_i64, "seats": 3_i32 } }).await;
    lived_in(&legacy).await;
    legacy
}

/// Returns the collections that have documents.
async fn filled(legacy: &Legacy) -> BTreeSet<String> {
    let dump = legacy.dump().await.into_iter();
    dump.filter(|(_, documents)| !documents.is_empty()).map(|(name, _)| name).collect()
}

/// Removes the store's own fields, and normalizes declared numbers and the order of fields.
fn essence(dump: Dump) -> Dump {
    let kept = dump.into_iter().filter(|(name, documents)| !name.starts_with("dezky_") && !documents.is_empty());
    kept.map(|(name, documents)| {
        let documents = documents.into_iter().map(|(id, document)| {
            let mut fields: Vec<_> = document.into_iter().filter(|(name, _)| !name.starts_with("_lock")).collect();
            fields.sort_by(|left, right| left.0.cmp(&right.0));
            let mut document: Document = fields.into_iter().filter(|(name, _)| name != "_commit").collect();
            for (_, value) in document.iter_mut() {
                // The replaced service wrote integers as doubles. A declared integer is read as one, with the same
                // value.
                if let Bson::Double(number) = value
                    && number.fract() == 0.0
                {
                    *value = format!("{number:.0}").parse::<i64>().unwrap().into();
                }
            }
            if let Ok(keys) = document.get_array_mut("uniqueKeys") {
                keys.sort_by_key(ToString::to_string);
            }
            (id, document)
        });
        (name.clone(), documents.collect())
    })
    .collect()
}

/// Serializes with the members of objects in order.
fn sorted(document: &Document) -> String {
    let value: serde_json::Value = mongodb::bson::Bson::Document(document.clone()).into_canonical_extjson();
    let mut text = String::new();
    write(&value, &mut text);
    text
}

fn write(value: &serde_json::Value, text: &mut String) {
    match value {
        serde_json::Value::Object(members) => {
            let sorted: std::collections::BTreeMap<_, _> = members.iter().collect();
            for (name, value) in sorted {
                text.push_str(&format!("{name:?}:{{"));
                write(value, text);
                text.push('}');
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| {
            text.push('[');
            write(item, text);
        }),
        other => text.push_str(&other.to_string()),
    }
}

fn texts(dump: Dump) -> Vec<String> {
    let all = essence(dump).into_iter();
    all.flat_map(|(name, documents)| documents.into_values().map(move |one| format!("{name} {}", sorted(&one))))
        .collect()
}

fn copy(legacy: &Legacy, from: &str, to: &str) -> std::process::Output {
    legacy.run(&["migrate", "--json", "--from", from, "--to", to])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_to_sqlite_and_back_is_the_same() {
    let first = upgraded(700).await;
    let of_dezky: BTreeSet<String> = dezky::COLLECTIONS.iter().map(|collection| collection.name.to_owned()).collect();
    assert!(filled(&first).await.is_superset(&of_dezky), "every collection has something to lose");
    let last = first.beside().await;
    let file = format!("sqlite:{}", first.path("copy.sqlite").display());
    let (code, there) = report(&copy(&first, &first.uri, &file));
    assert_eq!(code, 0);
    let (code, back) = report(&copy(&first, &file, &last.uri));
    assert_eq!(code, 0);
    for (name, documents) in
        [("tenants", 2), ("users", 702), ("memberships", 702), ("ended_sessions", 3), ("key_sets", 1)]
    {
        let of = |report: &serde_json::Value| {
            report["collections"].as_array().unwrap().iter().find(|one| one["collection"] == name).unwrap().clone()
        };
        assert_eq!(of(&there)["documents"], documents, "{name}");
        assert_eq!(of(&there)["sha256"], of(&back)["sha256"], "{name}");
    }
    assert_eq!(texts(last.dump().await), texts(first.dump().await));
    // The copy is a normal store, with its unique keys.
    let seeded = first.run(&["seed", "--store", &file]);
    assert!(String::from_utf8(seeded.stdout).unwrap().contains("created"));
    // Now it is neither a copy of the source nor empty.
    let refused = copy(&first, &first.uri, &file);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("not empty"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_copy_is_gone_on_with_from_the_same_source_only() {
    let (source, other) = (upgraded(USERS).await, upgraded(1).await);
    let target = Legacy::alone().await;
    let file = format!("sqlite:{}", source.path("copy.sqlite").display());
    assert_eq!(copy(&source, &source.uri, &file).status.code(), Some(0));
    let mut command = dezky(source.folder());
    command.args(["migrate", "--from", &file, "--to", &target.uri]);
    let mut process = Process::start(command);
    let copied = || async { target.database.collection::<Document>("users").count_documents(doc! {}).await.unwrap() };
    while copied().await == 0 {
        assert!(process.child.try_wait().unwrap().is_none(), "it ended without copying");
    }
    process.child.kill().unwrap();
    process.wait();
    target.restart().await;
    let done = copied().await;
    assert!(done > 0 && done < u64::from(USERS), "{done}: not killed half way");

    let meta = target.database.collection::<Document>("dezky_meta");
    let mark = meta.find_one(doc! { "_id": "copy" }).await.unwrap().unwrap();
    let refused = copy(&source, &other.uri, &target.uri);
    assert!(String::from_utf8(refused.stderr).unwrap().contains("another source"));
    let (code, report) = report(&copy(&source, &file, &target.uri));
    assert_eq!(code, 0);
    let users = report["collections"].as_array().unwrap().iter().find(|one| one["collection"] == "users").unwrap();
    assert_eq!(users["documents"].as_u64(), Some(u64::from(USERS) + 2));
    let written = users["written"].as_u64().unwrap();
    // Existing documents are not written again. The server may have performed the killed process's last write, which
    // may be all.
    assert!(written <= u64::from(USERS) + 2 - done, "{written} after {done}");
    assert_eq!(texts(target.dump().await), texts(source.dump().await));

    // A copied document is changed, and the copy is resumed: the hashes detect it.
    assert_eq!(target.all("dezky_meta").await.iter().filter(|one| one.get_str("_id").ok() == Some("copy")).count(), 0);
    target.insert("dezky_meta", mark).await;
    target.update("users", doc! { "_id": id(150) }, doc! { "$set": { "legacy.count": 7_i64 } }).await;
    let refused = copy(&source, &file, &target.uri);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("`users` differs"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_killed_on_its_way_to_sqlite_is_gone_on_with() {
    let source = upgraded(USERS).await;
    let back = source.beside().await;
    let path = source.path("killed.sqlite");
    let file = format!("sqlite:{}", path.display());
    let mut command = dezky(source.folder());
    command.args(["migrate", "--from", &source.uri, "--to", &file]);
    let mut process = Process::start(command);
    // Users come after tenants, in several batches.
    let copied = || -> u64 {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let count = rusqlite::Connection::open_with_flags(&path, flags)
            .and_then(|file| file.query_row("SELECT count(*) FROM users", [], |row| row.get::<_, i64>(0)));
        count.map_or(0, |count| u64::try_from(count).unwrap())
    };
    while copied() == 0 {
        assert!(process.child.try_wait().unwrap().is_none(), "it ended without copying");
    }
    process.child.kill().unwrap();
    process.wait();
    let done = copied();
    assert!(done > 0 && done < u64::from(USERS), "{done}: not killed half way");
    let (code, report) = report(&copy(&source, &source.uri, &file));
    assert_eq!(code, 0, "{report:#}");
    let users = report["collections"].as_array().unwrap().iter().find(|one| one["collection"] == "users").unwrap();
    assert_eq!(users["documents"], u64::from(USERS) + 2);
    assert_eq!(users["written"].as_u64().unwrap(), u64::from(USERS) + 2 - done, "what was there is not written again");
    assert_eq!(copy(&source, &file, &back.uri).status.code(), Some(0));
    assert_eq!(texts(back.dump().await), texts(source.dump().await));
}
