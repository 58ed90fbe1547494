//! The shared cases through `fetch` of the package: a process of Node opens the store that the case has filled, and makes of
//! every line a `Request`, and of every `Response` a line. Both processes have the store open at the same time.
//!
//! `DEZKY_TEST_NODE` names the program, `node` without it; `DEZKY_TEST_STORES` the stores, `sqlite,mongodb` without it. The
//! addon, with the feature `test-kit`, is where `scripts/node-package.sh` puts it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::print_stdout, reason = "it is its own harness")]

mod process;

use std::{
    collections::HashMap,
    process::ExitCode,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use dezky::{
    clock::Clock as _,
    store::{SharedStore, mongodb::MongodbStore, sqlite::SqliteStore},
    test_kit::{
        ManualClock,
        cases::{Edge, Setup, Stage, Suite},
        mongodb_server,
    },
};
use http::{HeaderName, HeaderValue, Request, Response};
use process::Node;
use serde_json::{Value, json};

fn main() -> ExitCode {
    // The runner of all tests of the workspace has no addon: `scripts/test-node.sh` builds it and comes here.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stores = std::env::var("DEZKY_TEST_STORES").unwrap_or_else(|_| "sqlite,mongodb".to_owned());
        let mut code = ExitCode::SUCCESS;
        for store in stores.split(',') {
            let outcome = cases(store).await;
            println!("cases on {store} through fetch ... {}", if outcome.is_ok() { "ok" } else { "FAILED" });
            if let Err(report) = outcome {
                println!("{report}");
                code = ExitCode::FAILURE;
            }
        }
        code
    })
}

async fn cases(store: &str) -> Result<usize, String> {
    let stage = NodeStage {
        node: Arc::new(Node::start().await),
        folder: tempfile::tempdir().unwrap(),
        mongodb: store == "mongodb",
        locations: Mutex::default(),
    };
    Suite::of(format!("node-{store}")).run(&stage).await
}

#[derive(Debug)]
struct NodeStage {
    node: Arc<Node>,
    folder: tempfile::TempDir,
    mongodb: bool,
    /// Where stores are, by their addresses.
    locations: Mutex<HashMap<usize, String>>,
}

fn address(store: &SharedStore) -> usize {
    Arc::as_ptr(store).cast::<()>().addr()
}

#[async_trait]
impl Stage for NodeStage {
    async fn store(&self) -> dezky::Result<SharedStore> {
        let number = self.node.number();
        let (store, location): (SharedStore, String) = if self.mongodb {
            let uri = mongodb_server::shared_uri().unwrap();
            (Arc::new(MongodbStore::open(&uri, Default::default(), dezky::COLLECTIONS)?), uri)
        } else {
            let path = self.folder.path().join(format!("case-{number}.sqlite"));
            let location = format!("sqlite:{}", path.display());
            (Arc::new(SqliteStore::open(path, Default::default(), dezky::COLLECTIONS)?), location)
        };
        self.locations.lock().unwrap().insert(address(&store), location);
        Ok(store)
    }

    async fn edge(&self, setup: Setup) -> dezky::Result<Box<dyn Edge>> {
        let location = self.locations.lock().unwrap()[&address(&setup.store)].clone();
        let edge = self.node.number();
        let options = json!({
            "environment": false, "background": false, "log": "off", "store": location, "issuers": setup.issuers,
            "publicDomain": setup.service.public_domain, "platformAdminGroup": setup.service.platform_admin_group,
        });
        let now = setup.clock.now().milliseconds();
        self.node.ask(json!({"open": edge, "now": now, "options": options})).await;
        Ok(Box::new(NodeEdge { node: Arc::clone(&self.node), edge, clock: setup.clock }))
    }
}

#[derive(Debug)]
struct NodeEdge {
    node: Arc<Node>,
    edge: u64,
    clock: Arc<ManualClock>,
}

impl Drop for NodeEdge {
    fn drop(&mut self) {
        self.node.tell(json!({"close": self.edge}));
    }
}

#[async_trait]
impl Edge for NodeEdge {
    async fn send(&self, request: Request<Bytes>) -> dezky::Result<Response<Bytes>> {
        let headers: Vec<Value> =
            request.headers().iter().map(|(name, value)| json!([name.as_str(), value.to_str().unwrap()])).collect();
        let said = self.node.ask(json!({
            "send": self.edge, "now": self.clock.now().milliseconds(), "method": request.method().as_str(),
            "target": request.uri().to_string(), "headers": headers, "body": BASE64_STANDARD.encode(request.body()),
        }));
        let said = said.await;
        let body = BASE64_STANDARD.decode(said["body"].as_str().unwrap()).unwrap();
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = u16::try_from(said["status"].as_u64().unwrap()).unwrap().try_into().unwrap();
        for header in said["headers"].as_array().unwrap() {
            let (name, value) = (header[0].as_str().unwrap(), header[1].as_str().unwrap());
            let value = HeaderValue::from_str(value).unwrap();
            response.headers_mut().append(HeaderName::try_from(name).unwrap(), value);
        }
        Ok(response)
    }
}
