//! Accepting connections, within bounds, and letting them finish.

use std::{convert::Infallible, future, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use dezky::http::ClientAddress;
use http::Request;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{self, Instant},
};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt as _;

use super::{
    Limits, Metrics,
    activity::Activity,
    limits::{Peer, Shares},
    metrics::Refusal,
};
use crate::configuration::counted;

/// Most bytes of a request's head.
const HEADER_BYTES: u32 = 64 * 1024;
/// Most header lines of a request.
const HEADER_LINES: usize = 100;
/// Most requests at the same time in one HTTP/2 connection.
const STREAMS: u32 = 128;
/// How long requests that are under way may take once the process is to stop.
const DRAIN: Duration = Duration::from_secs(25);

/// How long connections wait for what.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// For a request's head, and for a client that takes no byte of its answer.
    arrival: Duration,
    /// For the next request.
    keep_alive: Duration,
}

/// Serves until `stop` turns true, then until every request under way is answered, at most 25 s more. Beyond as many
/// connections as are given, further ones wait in the queue of the operating system.
pub(super) async fn serve(
    (listener, most): (TcpListener, usize),
    router: Router,
    metrics: Arc<Metrics>,
    limits: Arc<Limits>,
    mut stop: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(most));
    let shares = Shares::halved(most);
    let patience = Patience { arrival: limits.arrival(), keep_alive: limits.keep_alive() };
    let builder = Arc::new(builder(patience.arrival));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = stopped(&mut stop) => break,
            accepted = accept(&listener, &room) => accepted,
        };
        if let Some((stream, peer, permit)) = accepted {
            // Whoever leaves connections open takes none from the others. A proxy's are those of many.
            let place = if limits.is_proxy(peer.ip()) { None } else { shares.enter(counted(peer.ip())) };
            if place.is_none() && !limits.is_proxy(peer.ip()) {
                metrics.refuse(Refusal::Connections);
                dezky::http::tell_of_connection(peer.ip());
                continue;
            }
            let (router, builder, stop) = (router.clone(), Arc::clone(&builder), stop.clone());
            let limits = Arc::clone(&limits);
            let open = metrics.connect();
            connections.spawn(async move {
                connection((stream, peer), (router, limits), &builder, patience, stop).await;
                drop((permit, place, open));
            });
        }
    }
    // New connections are refused from here on, so that a balancer goes elsewhere.
    drop(listener);
    tracing::info!(connections = connections.len(), "stopping: requests under way are finished");
    let finished = async { while connections.join_next().await.is_some() {} };
    if time::timeout(DRAIN, finished).await.is_err() {
        tracing::warn!(seconds = DRAIN.as_secs(), "some requests did not finish in time and are cut off");
    }
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, Option<tokio::sync::OwnedSemaphorePermit>)> {
    // The semaphore is never closed, so that there is always a permit in the end.
    let permit = Arc::clone(room).acquire_owned().await.ok();
    match listener.accept().await {
        Ok((stream, peer)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "the connection was closed before it began");
            }
            Some((stream, peer, permit))
        }
        Err(error) => {
            // Out of file descriptors, most likely: others will be closed. Without a pause this would spin.
            tracing::warn!(%error, "a connection cannot be accepted");
            time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

/// `patience` is the longest wait for a request's head: over HTTP/1.1 for the next one of a connection too. Over HTTP/2 the
/// other side is asked as often whether it is still there: in the middle of a head it cannot say so.
fn builder(patience: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(usize::try_from(HEADER_BYTES).unwrap_or(usize::MAX))
        .max_headers(HEADER_LINES)
        .keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEADER_BYTES)
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(patience)
        .keep_alive_timeout(patience);
    builder
}

async fn connection(
    (stream, peer): (TcpStream, SocketAddr),
    (router, limits): (Router, Arc<Limits>),
    builder: &auto::Builder<TokioExecutor>,
    patience: Patience,
    mut stop: watch::Receiver<bool>,
) {
    let activity = Activity::new();
    let asked = Arc::clone(&activity);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let under_way = asked.begin();
        let client = limits.client(peer.ip(), request.headers());
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(ClientAddress(client));
        let router = router.clone();
        async move {
            let answer = router.oneshot(request).await.unwrap_or_else(|never| match never {});
            drop(under_way);
            Ok::<_, Infallible>(answer)
        }
    });
    let mut stream = TimeoutStream::new(stream);
    // Who does not read its answers is gone.
    stream.set_write_timeout(Some(patience.arrival));
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(Box::pin(stream)), service));
    // Until the protocol is known no other limit of time counts.
    let mut next_look = std::pin::pin!(time::sleep(patience.arrival));
    let mut last_words = false;
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = &mut connection => {
                if let Err(error) = ended {
                    // Clients leave as they like.
                    tracing::debug!(error = &*error, "a connection ended early");
                }
                return;
            }
            () = &mut next_look => {
                if !activity.was_asked() {
                    return;
                }
                let wait = match activity.idle() {
                    // What was asked has its own limit.
                    None => patience.arrival,
                    Some(_) if last_words => return,
                    Some(idle) if idle < patience.keep_alive => patience.keep_alive.saturating_sub(idle),
                    Some(_) => {
                        last_words = true;
                        connection.as_mut().graceful_shutdown();
                        patience.arrival
                    }
                };
                next_look.as_mut().reset(Instant::now() + wait);
            }
            () = stopped(&mut stop), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Resolves when the process is to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        // Whoever could stop it is gone: it goes on.
        future::pending::<()>().await;
    }
}
