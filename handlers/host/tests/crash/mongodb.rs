//! Kills the database server of a process.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use dezky::test_kit::mongodb_server::MongodbServer;
use futures_util::TryStreamExt as _;
use mongodb::{
    Client, Database,
    bson::{Bson, Document, doc},
};

use crate::{
    support::{Process, await_ready, dev, dezky, request},
    writing::{assert_nothing_lost_or_doubled, create, whole, writes},
};

const WRITERS: usize = 8;
/// Number of times that the server is killed.
const KILLS: usize = 2;

async fn documents(database: &Database, collection: &str, filter: Document) -> Vec<Document> {
    let found = database.collection::<Document>(collection).find(filter).await.unwrap();
    found.try_collect().await.unwrap()
}

fn text(document: &Document, field: &str) -> String {
    match document.get(field) {
        Some(Bson::ObjectId(id)) => id.to_hex(),
        Some(Bson::String(text)) => text.clone(),
        other => panic!("`{field}` is {other:?}"),
    }
}

async fn tenants(database: &Database) -> BTreeMap<String, String> {
    let tenants = documents(database, "tenants", doc! {}).await;
    let created = documents(database, "audit_events", doc! { "action": "tenant.create" }).await;
    whole(
        tenants.iter().map(|tenant| (text(tenant, "slug"), text(tenant, "_id"))),
        created.iter().map(|event| text(event, "tenantId")),
    )
}

fn serve(folder: &std::path::Path, store: &str) -> (Process, Process, String, String) {
    let (issuer, _, _, admin) = dev(folder);
    let url = std::fs::read_to_string(folder.join(".dezky/issuer-url")).unwrap();
    let mut command = dezky(folder);
    command.args(["serve", "--listen", "127.0.0.1:0", "--store", store, "--oidc-issuer", url.trim()]);
    command.args(["--oidc-audience", "dezky", "--platform-admin-group", "dezky-platform-admins"]);
    command.args(["--caller-rate", "off", "--address-rate", "off"]);
    let process = Process::start(command);
    let line = process.line("listening address=");
    let address = line.split("address=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    await_ready(&address, true);
    assert_eq!(request(&address, "GET", "/users/me", Some(&admin)).0, 200);
    (issuer, process, address, admin)
}

/// A writer's report about this number: acknowledged, or refused temporarily.
enum Told {
    Acknowledged(usize),
    Refused,
}

fn write(address: &str, token: &str, next: &AtomicUsize, end: usize, told: &mpsc::Sender<Told>) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= end {
            return;
        }
        let head = create(address, token, number).unwrap();
        let acknowledged = head.starts_with("HTTP/1.1 201");
        assert!(acknowledged || head.starts_with("HTTP/1.1 503"), "{number}: {head}");
        told.send(if acknowledged { Told::Acknowledged(number) } else { Told::Refused }).unwrap();
    }
}

// On one thread, since the kernel ends the server with it.
#[test]
fn what_was_acknowledged_survives_kill_9_of_the_database_and_what_is_sent_again_has_one_effect() {
    let writes = writes(200);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut server = runtime.block_on(MongodbServer::start()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (_issuer, _process, address, admin) = serve(folder.path(), &server.uri_for("crash"));
    let mut acknowledged = BTreeSet::new();
    let mut refused = 0;
    for kill in 1..=KILLS {
        let (begin, end) = (writes * (kill - 1) / KILLS, writes * kill / KILLS);
        let next = AtomicUsize::new(begin);
        thread::scope(|scope| {
            let (sender, told) = mpsc::channel();
            for _ in 0..WRITERS {
                let (sender, next, address, admin) = (sender.clone(), &next, &address, &admin);
                scope.spawn(move || write(address, admin, next, end, &sender));
            }
            drop(sender);
            let mut count = |told: Told| match told {
                Told::Acknowledged(number) => drop(acknowledged.insert(number)),
                Told::Refused => refused += 1,
            };
            told.iter().take((end - begin) / 2).for_each(&mut count);
            server.kill().unwrap();
            // Until a writer has noticed the dead server.
            told.recv_timeout(Duration::from_secs(60)).map(&mut count).unwrap();
            runtime.block_on(server.restart()).unwrap();
            told.iter().for_each(&mut count);
        });
        await_ready(&address, true);
    }
    assert!(!acknowledged.is_empty());
    let client = runtime.block_on(Client::with_uri_str(server.uri())).unwrap();
    let database = client.database("crash");
    assert_nothing_lost_or_doubled(&acknowledged, writes, (&address, &admin), || runtime.block_on(tenants(&database)));
    eprintln!(
        "MongoDB: {writes} writes, {KILLS} kills: {} acknowledged, {refused} refused for now, none lost, none twice",
        acknowledged.len()
    );
}
