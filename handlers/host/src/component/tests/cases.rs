//! Runs the shared cases through the component, on both stores and with both isolation modes.

use dezky::test_kit::cases::{NativeStage, Suite};

use super::stage::{ComponentStage, compiled};
use crate::component::{Compiled, Isolation, exports::Way};

async fn run_all(edge: &str, stores: NativeStage, isolation: Isolation) {
    run_all_of(edge, stores, compiled(), isolation).await;
}

async fn run_all_of(edge: &str, stores: NativeStage, compiled: Compiled, isolation: Isolation) {
    let stage = ComponentStage { stores, compiled, isolation };
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

#[tokio::test(flavor = "multi_thread")]
async fn all_hold_on_sqlite_by_wasi_http() {
    let compiled = Compiled { way: Way::WasiHttp, ..compiled() };
    run_all_of("component-wasi-http-sqlite", NativeStage::on_sqlite().unwrap(), compiled, Isolation::Shared).await;
}

// Without a server these fail, with a message on how to start it.
#[tokio::test(flavor = "multi_thread")]
async fn all_hold_on_mongodb() {
    run_all("component-mongodb", NativeStage::on_mongodb().unwrap(), Isolation::Shared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_hold_on_mongodb_with_an_instance_for_each_request() {
    run_all("component-each-mongodb", NativeStage::on_mongodb().unwrap(), Isolation::Request).await;
}
