//! The socket of an emulator, and its faults.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, task::JoinHandle, task::JoinSet};

use super::faults::{Fault, Faults, Injection};
use crate::clock::{Clock, SystemClock, Timestamp};

/// Size limit of a request, in bytes.
const MAXIMUM_REQUEST: usize = 1024 * 1024;

/// A request as an emulated system sees it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// Time of the request.
    pub now: Timestamp,
    /// Objects created later than this are absent from lists and searches.
    pub listed_until: Timestamp,
}

/// A system that an emulator answers for.
pub trait Emulated: Send + Sync + fmt::Debug + 'static {
    /// Answers a request, and changes the state of the system.
    fn answer(&self, exchange: &Exchange) -> Response<Bytes>;
}

/// Options of an emulator.
#[derive(Debug, Clone)]
pub struct EmulatorOptions {
    /// Port on 127.0.0.1. Default: 0, a free port.
    pub port: u16,
    /// Faults at the start. Default: none.
    pub faults: Faults,
    /// Clock of the emulated system. Default: the system's.
    pub clock: Arc<dyn Clock>,
}

impl Default for EmulatorOptions {
    fn default() -> Self {
        Self { port: 0, faults: Faults::default(), clock: Arc::new(SystemClock) }
    }
}

/// A running emulator of a system. Dropping it stops it.
#[derive(Debug)]
pub struct Emulator<S> {
    system: Arc<S>,
    shared: Arc<Shared>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// State of the socket's side.
#[derive(Debug)]
struct Shared {
    injection: Injection,
    clock: Arc<dyn Clock>,
    requests: AtomicU64,
    writes: AtomicU64,
    log: Mutex<Vec<(Method, String)>>,
}

/// Number of requests of which an emulator keeps method and path.
const MAXIMUM_LOG: usize = 10_000;

impl<S> Drop for Emulator<S> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<S: Emulated> Emulator<S> {
    /// Starts an emulator of a system.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(system: S, options: EmulatorOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
        let address = listener.local_addr()?;
        let system = Arc::new(system);
        let shared = Arc::new(Shared {
            injection: Injection::new(options.faults),
            clock: options.clock,
            requests: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            log: Mutex::default(),
        });
        let task = tokio::spawn(serve(listener, system.clone(), shared.clone()));
        Ok(Self { system, shared, address, task })
    }

    /// Returns the base URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the system, to look at its state or to change it by hand.
    #[must_use]
    pub fn system(&self) -> &S {
        &self.system
    }

    /// Replaces the faults.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.injection.set(faults);
    }

    /// Returns the number of requests so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Returns the number of requests other than `GET` and `HEAD` so far.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.shared.writes.load(Ordering::Relaxed)
    }

    /// Takes method and path with query of the requests since the last call, 10,000 at most.
    #[must_use]
    pub fn take_log(&self) -> Vec<(Method, String)> {
        std::mem::take(&mut *self.shared.log.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

type Answer = Response<BoxBody<Bytes, io::Error>>;

async fn serve<S: Emulated>(listener: TcpListener, system: Arc<S>, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // Most likely out of file descriptors; others will be closed.
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        let (system, shared) = (system.clone(), shared.clone());
        connections.spawn(async move {
            let _ = stream.set_nodelay(true);
            let service = service_fn(move |request| answer(request, system.clone(), shared.clone()));
            // An error is a client that left, or a fault that closes the connection.
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// Answers one request. An error closes the connection.
async fn answer<S: Emulated>(request: Request<Incoming>, system: Arc<S>, shared: Arc<Shared>) -> io::Result<Answer> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, MAXIMUM_REQUEST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return Err(io::Error::other(error)),
    };
    shared.requests.fetch_add(1, Ordering::Relaxed);
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        shared.writes.fetch_add(1, Ordering::Relaxed);
    }
    {
        let mut log = shared.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() < MAXIMUM_LOG {
            log.push((parts.method.clone(), parts.uri.to_string()));
        }
    }
    let (fault, faults) = (shared.injection.draw(), shared.injection.faults());
    if !faults.latency.is_zero() {
        tokio::time::sleep(faults.latency).await;
    }
    match fault {
        Some(Fault::ResetBefore) => return Err(io::Error::other("reset before the effect")),
        Some(Fault::ErrorBefore) => return status(StatusCode::INTERNAL_SERVER_ERROR),
        Some(Fault::Expired) => return status(StatusCode::UNAUTHORIZED),
        Some(Fault::RateLimit) => {
            let mut limited = status(StatusCode::TOO_MANY_REQUESTS)?;
            limited.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
            return Ok(limited);
        }
        _ => {}
    }
    let now = shared.clock.now();
    let listed_until = now.minus(faults.listing_delay);
    let exchange = Exchange { method: parts.method, uri: parts.uri, headers: parts.headers, body, now, listed_until };
    let response = system.answer(&exchange);
    match fault {
        Some(Fault::ResetAfter) => Err(io::Error::other("reset after the effect")),
        Some(Fault::ErrorAfter) => status(StatusCode::INTERNAL_SERVER_ERROR),
        Some(Fault::Cut) => Ok(response.map(|body| {
            let half = body.slice(..body.len() / 2);
            let frames = [Ok(Frame::data(half)), Err(io::Error::other("cut"))];
            StreamBody::new(futures_util::stream::iter(frames)).boxed()
        })),
        _ => Ok(response.map(whole)),
    }
}

fn status(status: StatusCode) -> io::Result<Answer> {
    Response::builder().status(status).body(whole(Bytes::new())).map_err(io::Error::other)
}

fn whole(body: Bytes) -> BoxBody<Bytes, io::Error> {
    Full::new(body).map_err(|never| match never {}).boxed()
}
