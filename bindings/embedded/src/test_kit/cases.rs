//! The cases, on the requested stores.

use std::{
    collections::HashMap,
    process::ExitCode,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use dezky::{
    Result,
    clock::Clock as _,
    store::{SharedStore, mongodb::MongodbStore, sqlite::SqliteStore},
    test_kit::{
        ManualClock,
        cases::{Edge, Setup, Stage, Suite},
        mongodb_server,
    },
};
use http::{HeaderName, HeaderValue, Request, Response};
use serde_json::{Value, json};
use tokio::process::Command;

use super::process::Other;

/// Runs all cases through the process that `command` starts, and prints the failures.
///
/// They are recorded under the edge `EDGE-STORE`. `DEZKY_TEST_STORES` names the stores (default: `sqlite,mongodb`).
///
/// # Panics
/// When the process or a store is not available.
#[must_use]
pub fn run_cases(edge: &str, command: impl Fn() -> Command) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stores = std::env::var("DEZKY_TEST_STORES").unwrap_or_else(|_| "sqlite,mongodb".to_owned());
        let mut code = ExitCode::SUCCESS;
        for store in stores.split(',') {
            let stage = OtherStage {
                other: Arc::new(Other::start(command())),
                folder: tempfile::tempdir().unwrap(),
                mongodb: store == "mongodb",
                locations: Mutex::default(),
            };
            let outcome = Suite::of(format!("{edge}-{store}")).run(&stage).await;
            println!("cases of {edge} on {store} ... {}", if outcome.is_ok() { "ok" } else { "FAILED" });
            if let Err(report) = outcome {
                println!("{report}");
                code = ExitCode::FAILURE;
            }
        }
        code
    })
}

#[derive(Debug)]
struct OtherStage {
    other: Arc<Other>,
    folder: tempfile::TempDir,
    mongodb: bool,
    /// Locations of stores, by their addresses.
    locations: Mutex<HashMap<usize, String>>,
}

fn address(store: &SharedStore) -> usize {
    Arc::as_ptr(store).cast::<()>().addr()
}

#[async_trait]
impl Stage for OtherStage {
    async fn store(&self) -> Result<SharedStore> {
        let number = self.other.number();
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

    async fn edge(&self, setup: Setup) -> Result<Box<dyn Edge>> {
        let location = self.locations.lock().unwrap()[&address(&setup.store)].clone();
        let edge = self.other.number();
        let options = json!({
            "environment": false, "log": "off", "store": location, "issuers": setup.issuers,
            "publicDomain": setup.service.public_domain, "platformAdminGroup": setup.service.platform_admin_group,
        });
        let now = setup.clock.now().milliseconds();
        self.other.ask(json!({"open": edge, "now": now, "options": options})).await;
        Ok(Box::new(OtherEdge { other: Arc::clone(&self.other), edge, clock: setup.clock }))
    }
}

#[derive(Debug)]
struct OtherEdge {
    other: Arc<Other>,
    edge: u64,
    clock: Arc<ManualClock>,
}

impl Drop for OtherEdge {
    fn drop(&mut self) {
        self.other.tell(json!({"close": self.edge}));
    }
}

#[async_trait]
impl Edge for OtherEdge {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        let headers: Vec<Value> =
            request.headers().iter().map(|(name, value)| json!([name.as_str(), value.to_str().unwrap()])).collect();
        let said = self.other.ask(json!({
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
