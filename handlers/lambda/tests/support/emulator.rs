//! The Runtime API: one function polls for invocations and answers them.

use std::{
    collections::HashMap,
    net::SocketAddr,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use tokio::{
    net::TcpListener,
    sync::{Mutex as AsyncMutex, Notify, mpsc, oneshot},
};

type Invoked = Result<Bytes, Bytes>;

struct Invocation {
    id: String,
    event: Bytes,
}

struct Shared {
    waiting: mpsc::UnboundedSender<Invocation>,
    queue: AsyncMutex<mpsc::UnboundedReceiver<Invocation>>,
    open: Mutex<(u64, HashMap<String, oneshot::Sender<Invoked>>)>,
    /// Notified when the function polls for an invocation.
    asked: Notify,
}

/// A running emulator. It ends with the runtime that it was started on.
pub(crate) struct Emulator {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Emulator {
    /// Starts it on a free port.
    pub(crate) async fn start() -> Self {
        let (waiting, queue) = mpsc::unbounded_channel();
        let shared =
            Arc::new(Shared { waiting, queue: AsyncMutex::new(queue), open: Mutex::default(), asked: Notify::new() });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(responded))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
            .route("/2015-03-31/functions/function/invocations", post(invoked))
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            use hyper_util::{
                rt::{TokioExecutor, TokioIo},
                server::conn::auto::Builder,
                service::TowerToHyperService,
            };
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(router.clone());
                // A client that hangs up is gone.
                tokio::spawn(async move {
                    let _ended =
                        Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, shared }
    }

    /// Returns its address, `127.0.0.1:PORT`.
    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    /// Sets the environment of a command so that it runs as its function.
    pub(crate) fn environment(&self, command: &mut Command) {
        command
            .env("AWS_LAMBDA_RUNTIME_API", self.authority())
            .env("AWS_LAMBDA_FUNCTION_NAME", "dezky")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256");
    }

    /// Waits until a function polls for an invocation, which means its environment is initialized.
    pub(crate) async fn asked(&self) {
        self.shared.asked.notified().await;
    }

    /// Invokes the function with an event, and returns its answer or failure.
    pub(crate) async fn invoke(&self, event: Bytes) -> Invoked {
        invoke(&self.shared, event).await
    }
}

async fn invoke(shared: &Shared, event: Bytes) -> Invoked {
    let (sender, outcome) = oneshot::channel();
    let id = {
        let mut open = shared.open.lock().unwrap();
        open.0 += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", open.0);
        open.1.insert(id.clone(), sender);
        id
    };
    shared.waiting.send(Invocation { id, event }).unwrap();
    // A function that has ended never answers.
    tokio::time::timeout(Duration::from_secs(60), outcome).await.expect("the function does not answer").unwrap()
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    shared.asked.notify_one();
    let invocation = shared.queue.lock().await.recv().await.unwrap();
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(30);
    let headers = [
        ("lambda-runtime-aws-request-id", invocation.id),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:123456789012:function:dezky".to_owned()),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0".to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, invocation.event).into_response()
}

fn end(shared: &Shared, id: &str, outcome: Invoked) -> StatusCode {
    match shared.open.lock().unwrap().1.remove(id) {
        Some(sender) => {
            // The invoker may be gone.
            let _told = sender.send(outcome);
            StatusCode::ACCEPTED
        }
        None => StatusCode::BAD_REQUEST,
    }
}

async fn responded(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    end(&shared, &id, Ok(body))
}

async fn failed(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    end(&shared, &id, Err(body))
}

async fn invoked(State(shared): State<Arc<Shared>>, event: Bytes) -> Response {
    match invoke(&shared, event).await {
        Ok(answer) => answer.into_response(),
        Err(error) => ([("x-amz-function-error", "Unhandled")], error).into_response(),
    }
}
