//! The shared cases through the component, on both stores and in both modes of isolation.

use dezky::test_kit::cases::{NativeStage, Suite};

use super::stage::{ComponentStage, compiled};
use crate::component::Isolation;

async fn run_all(edge: &str, stores: NativeStage, isolation: Isolation) {
    let stage = ComponentStage { stores, compiled: compiled(), isolation };
    if let Err(report) = Suite::of(edge).run(&stage).await {
        panic!("{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_hold_on_sqlite() {
    run_all("component-sqlite", NativeStage::on_sqlite().unwrap(), Isolation::Shared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_hold_on_sqlite_with_an_instance_for_each_request() {
    run_all("component-each-sqlite", NativeStage::on_sqlite().unwrap(), Isolation::Request).await;
}

// Without its server these fail with the way to start it.
#[tokio::test(flavor = "multi_thread")]
async fn all_hold_on_mongodb() {
    run_all("component-mongodb", NativeStage::on_mongodb().unwrap(), Isolation::Shared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_hold_on_mongodb_with_an_instance_for_each_request() {
    run_all("component-each-mongodb", NativeStage::on_mongodb().unwrap(), Isolation::Request).await;
}
