//! The shared cases through the component, on both stores and in both modes of isolation.

use std::{fs, path::PathBuf};

use dezky::test_kit::cases::{NativeStage, run};

use super::stage::{ComponentStage, compiled};
use crate::component::Isolation;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../core/tests/cases")
}

async fn run_all(stores: NativeStage, isolation: Isolation) {
    let stage = ComponentStage { stores, compiled: compiled(), isolation };
    let mut files: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    let mut reports = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if let Err(report) = run(&name, &fs::read_to_string(&path).unwrap(), &stage).await {
            reports.push(report);
        }
    }
    assert!(reports.is_empty(), "{}", reports.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_hold_on_sqlite() {
    run_all(NativeStage::on_sqlite().unwrap(), Isolation::Shared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_hold_on_sqlite_with_an_instance_for_each_request() {
    run_all(NativeStage::on_sqlite().unwrap(), Isolation::Request).await;
}

// Without its server this fails with the way to start it.
#[tokio::test(flavor = "multi_thread")]
async fn all_hold_on_mongodb() {
    run_all(NativeStage::on_mongodb().unwrap(), Isolation::Shared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_hold_on_mongodb_with_an_instance_for_each_request() {
    run_all(NativeStage::on_mongodb().unwrap(), Isolation::Request).await;
}
