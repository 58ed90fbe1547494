//! Runs the shared cases through the Runtime API: every request becomes the event of a front, a process polls for it,
//! and its response becomes the answer of the front.
//!
//! Lambda's runtime reads its settings from the environment of the process. So this program starts itself again as the
//! function: that process has the cases, their stores and their clock, and its requests go through the emulator here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::print_stdout, reason = "it is its own harness")]

mod differences;
#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::HashMap,
    process::{Command, ExitCode},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use axum::{Router, extract::State, response::IntoResponse as _};
use bytes::Bytes;
use dezky::{
    Error, Result,
    store::SharedStore,
    test_kit::cases::{Edge, NativeStage, Setup, Stage, Suite},
};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use support::{emulator::Emulator, event::Front};
use tower::ServiceExt as _;

/// Header with the edge that a request is for.
const EDGE: &str = "x-edge";

type Edges = Arc<Mutex<HashMap<String, Router>>>;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match std::env::var("AWS_LAMBDA_RUNTIME_API") {
        Ok(emulator) => runtime.block_on(function(&emulator)),
        Err(_) => runtime.block_on(harness()),
    }
}

/// Starts the function for the emulator, and returns its exit code.
async fn harness() -> ExitCode {
    let emulator = Emulator::start().await;
    let mut command = Command::new(std::env::current_exe().unwrap());
    emulator.environment(&mut command);
    let ended = tokio::task::spawn_blocking(move || command.status()).await.unwrap().unwrap();
    if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Answers invocations, and sends the requests of all cases as invocations.
async fn function(emulator: &str) -> ExitCode {
    let edges = Edges::default();
    let dispatcher = Router::new().fallback(dispatch).with_state(Arc::clone(&edges));
    tokio::select! {
        ended = dezky_lambda::run(dispatcher, String::new()) => {
            println!("the function has stopped to ask for invocations: {ended:?}");
            ExitCode::FAILURE
        }
        code = async {
            let code = suites(emulator, &edges).await;
            for front in Front::ALL {
                differences::same_as_native(emulator, &edges, front).await;
                println!("{front:?} gives what the router gives ... ok");
            }
            code
        } => code,
    }
}

/// Runs the whole suite through every front on SQLite, and through one on MongoDB.
async fn suites(emulator: &str, edges: &Edges) -> ExitCode {
    let runs = Front::ALL.map(|front| ("SQLite", NativeStage::on_sqlite(), front));
    let mut code = ExitCode::SUCCESS;
    for (store, stores, front) in runs.into_iter().chain([("MongoDB", NativeStage::on_mongodb(), Front::Http)]) {
        let outcome = match stores {
            Ok(stores) => {
                let (emulator, edges) = (emulator.to_owned(), Arc::clone(edges));
                let stage = LambdaStage { stores, front, emulator, edges, made: AtomicU64::new(0) };
                Suite::of(format!("lambda-{front:?}-{store}").to_lowercase()).run(&stage).await
            }
            Err(error) => Err(error.message().to_owned()),
        };
        println!("cases on {store} through {front:?} ... {}", if outcome.is_ok() { "ok" } else { "FAILED" });
        if let Err(report) = outcome {
            println!("{report}");
            code = ExitCode::FAILURE;
        }
    }
    code
}

async fn dispatch(State(edges): State<Edges>, mut request: axum::extract::Request) -> axum::response::Response {
    let name = request.headers_mut().remove(EDGE).unwrap().to_str().unwrap().to_owned();
    let edge = edges.lock().unwrap().get(&name).unwrap().clone();
    edge.oneshot(request).await.into_response()
}

#[derive(Debug)]
pub(crate) struct LambdaStage {
    stores: NativeStage,
    front: Front,
    emulator: String,
    edges: Edges,
    made: AtomicU64,
}

#[async_trait]
impl Stage for LambdaStage {
    async fn store(&self) -> Result<SharedStore> {
        self.stores.store().await
    }

    async fn edge(&self, setup: Setup) -> Result<Box<dyn Edge>> {
        let routes = setup.platform()?.router();
        let name = format!("{:?}-{}", self.front, self.made.fetch_add(1, Ordering::Relaxed));
        self.edges.lock().unwrap().insert(name.clone(), routes);
        Ok(Box::new(LambdaEdge { front: self.front, emulator: self.emulator.clone(), name, sent: AtomicU64::new(0) }))
    }
}

#[derive(Debug)]
struct LambdaEdge {
    front: Front,
    emulator: String,
    name: String,
    sent: AtomicU64,
}

#[async_trait]
impl Edge for LambdaEdge {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>> {
        request.headers_mut().insert(EDGE, self.name.parse().unwrap());
        let encode = self.sent.fetch_add(1, Ordering::Relaxed) % 2 == 1;
        // A balancer without multi-value headers passes one of two equal parameters, so their refusal cannot be tested
        // there.
        let front = match self.front {
            Front::BalancerLast if support::event::repeats_a_parameter(&request) => Front::Balancer,
            front => front,
        };
        let event = front.event(&request, encode);
        let said = invoke(&self.emulator, event.to_string()).await?;
        Ok(front.answer(&said))
    }
}

/// Invokes the function, as `aws lambda invoke` does.
async fn invoke(emulator: &str, event: String) -> Result<Bytes> {
    use hyper_util::rt::TokioIo;
    let broken = |error: String| Error::internal("an invocation broke off").with_source(error);
    let stream = tokio::net::TcpStream::connect(emulator).await.map_err(|error| broken(error.to_string()))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(error.to_string()))?;
    let driving = tokio::spawn(connection);
    let request = Request::post("/2015-03-31/functions/function/invocations")
        .header("host", emulator)
        .body(Full::new(Bytes::from(event)))
        .unwrap();
    let response = sender.send_request(request).await.map_err(|error| broken(error.to_string()))?;
    let failed = response.headers().contains_key("x-amz-function-error");
    let body = response.into_body().collect().await.map_err(|error| broken(error.to_string()))?.to_bytes();
    driving.abort();
    if failed { Err(broken(String::from_utf8_lossy(&body).into_owned())) } else { Ok(body) }
}
