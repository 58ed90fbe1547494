//! Tests of a run that is killed half way, together with the database.

use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};

use crate::{
    database::{Dump, Legacy, id, tenant, user},
    support::{Process, dezky},
};

/// Number of people: one batch, in which the run is killed, and part of a second one that it does not reach.
const USERS: u32 = 600;

async fn many(legacy: Legacy, users: u32) -> Legacy {
    legacy.insert("tenants", tenant(1, "acme", Some("acme"))).await;
    legacy.insert("tenants", tenant(2, "beta", None)).await;
    let users: Vec<Document> = (0..users).map(|number| user(100 + number, &format!("s{number}"), &[1, 2])).collect();
    for users in users.chunks(1_000) {
        legacy.database.collection::<Document>("users").insert_many(users).await.unwrap();
    }
    legacy
}

/// Removes everything that differs between runs.
fn essence(mut dump: Dump) -> Dump {
    for documents in dump.values_mut() {
        for document in documents.values_mut() {
            for field in ["at", "requestId", "resource", "changedAt", "run"] {
                document.remove(field);
            }
        }
    }
    for name in ["memberships", "audit_events"] {
        let documents = dump.remove(name).unwrap_or_default();
        let named = documents.into_values().map(|mut document| {
            for field in ["_id", "createdAt", "updatedAt"] {
                document.remove(field);
            }
            (document.to_string(), document)
        });
        dump.insert(name.to_owned(), named.collect());
    }
    dump
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_is_finished_by_the_next() {
    let killed = many(Legacy::alone().await, USERS).await;
    let whole = many(killed.beside().await, USERS).await;
    let mut command = dezky(killed.folder());
    command.args(["migrate", "--store", &killed.uri]);
    let mut process = Process::start(command);
    let upgraded = || async {
        let users = killed.database.collection::<Document>("users");
        users.count_documents(doc! { "version": 1_i64 }).await.unwrap()
    };
    let end = Instant::now() + Duration::from_secs(60);
    while upgraded().await == 0 {
        assert!(Instant::now() < end, "nothing was upgraded");
    }
    process.child.kill().unwrap();
    process.wait();
    killed.restart().await;
    let done = upgraded().await;
    assert!(done > 0 && done < u64::from(USERS), "{done} of {USERS}: not killed half way");
    assert_eq!(killed.all("audit_events").await.len(), 0);

    let (code, report) = killed.migrate(&[]);
    assert_eq!(code, 0, "{report:#}");
    // The server may have performed the killed process's last write.
    assert!(report["collections"]["users"]["unchanged"].as_u64().unwrap() >= done, "{report:#}");
    assert_eq!(whole.migrate(&[]).0, 0);
    assert_eq!(essence(killed.dump().await), essence(whole.dump().await));
    assert_eq!(killed.all("memberships").await.len(), 2 * USERS as usize);
    assert_eq!(killed.document("users", id(100)).await.get_i64("version").ok(), Some(1));
}
