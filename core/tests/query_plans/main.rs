//! Tests that on MongoDB every query of the service uses an index: for all shared cases and every list with every
//! combination of its filters, the server explains each kind of query.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod lists;
#[path = "../support/mod.rs"]
mod support;
mod watched;

use std::{fs, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use dezky::{
    Result,
    service::seed::SeedSettings,
    store::SharedStore,
    test_kit::cases::{Edge, NativeStage, Setup, Stage, run},
};
use watched::{Plans, Watched};

/// Minimum number of kinds of queries, to detect a test that no longer sees most of them.
const KINDS: usize = 138;

#[derive(Debug)]
struct WatchedStage {
    native: NativeStage,
    plans: Plans,
}

#[async_trait]
impl Stage for WatchedStage {
    async fn store(&self) -> Result<SharedStore> {
        Ok(Arc::new(Watched::new(&self.plans)))
    }

    async fn edge(&self, setup: Setup) -> Result<Box<dyn Edge>> {
        self.native.edge(setup).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_the_service_uses_an_index() {
    let plans = Plans::default();
    let stage = WatchedStage { native: NativeStage::on_mongodb().unwrap(), plans: Arc::clone(&plans) };
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let file = path.file_name().unwrap().to_str().unwrap();
            run(file, &fs::read_to_string(&path).unwrap(), &stage).await.unwrap();
        }
    }
    lists::every_list_with_every_filter(Arc::new(Watched::new(&plans))).await;
    let seeded = support::service(Arc::new(Watched::new(&plans)), Arc::new(dezky::clock::SystemClock));
    seeded.seed(&SeedSettings::default()).await.unwrap();
    let plans = plans.lock().unwrap();
    let listed = || plans.keys().map(|shape| format!("  {shape}\n")).collect::<String>();
    let scans = plans.iter().filter(|(_, plan)| {
        let indexed = ["IXSCAN", "IDHACK", "EXPRESS"].iter().any(|stage| plan.contains(stage));
        !indexed || plan.contains("COLLSCAN")
    });
    let scans: Vec<String> = scans.map(|(shape, plan)| format!("{shape}\n  {plan}")).collect();
    assert!(scans.is_empty(), "{} kinds of queries use no index:\n{}", scans.len(), scans.join("\n"));
    for collection in dezky::COLLECTIONS {
        let name = format!("{} ", collection.name);
        assert!(plans.keys().any(|shape| shape.starts_with(&name)), "no query on `{}`", collection.name);
    }
    assert!(plans.len() >= KINDS, "{} kinds of queries, and {KINDS} are expected:\n{}", plans.len(), listed());
}
