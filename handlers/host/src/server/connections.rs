//! Accepting a bounded number of connections, and draining them.

use std::{future, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use dezky::http::{ClientAddress, OverTheWire};
use h2::Reason;
use http::{Request, Response, Version};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
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
    answers::{HeldBody, Unsent, held},
    limits::{Holding, Peer, Shares},
    metrics::Refusal,
    streams::{Latest, Looks, Streams},
};
use crate::configuration::counted;

/// Maximum size of a request's head in bytes.
const HEADER_BYTES: u32 = 64 * 1024;
/// Maximum number of header lines.
const HEADER_LINES: usize = 100;
/// Maximum number of concurrent requests in one HTTP/2 connection.
const STREAMS: u32 = 128;
/// Maximum size of unread bodies that one HTTP/2 connection buffers.
const WINDOW: u32 = 128 * 1024;
/// Time limit for active requests after a stop.
const DRAIN: Duration = Duration::from_secs(25);

/// Timeouts of connections.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// For a request's head, and for a client that takes no byte of its response.
    arrival: Duration,
    /// For the next request.
    keep_alive: Duration,
}

/// Serves until `stop` is true, then at most 25 s more until all active requests are answered.
///
/// Connections beyond the maximum wait in the queue of the operating system.
pub(super) async fn serve(
    (listener, most): (TcpListener, usize),
    router: Router,
    metrics: Arc<Metrics>,
    limits: Arc<Limits>,
    looks: Looks,
    mut stop: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(most));
    let shares = Shares::halved(most);
    let patience = Patience { arrival: limits.arrival(), keep_alive: limits.keep_alive() };
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = stopped(&mut stop) => break,
            accepted = accept(&listener, &room) => accepted,
        };
        if let Some((stream, peer, permit)) = accepted {
            // A client with many open connections takes none from others. A proxy's connections serve many clients.
            let place = if limits.is_proxy(peer.ip()) { None } else { shares.enter(counted(peer.ip())) };
            if place.is_none() && !limits.is_proxy(peer.ip()) {
                metrics.refuse(Refusal::Connections);
                dezky::http::tell_of_connection(peer.ip());
                continue;
            }
            let answering = Answering { router: router.clone(), limits: Arc::clone(&limits), peer, patience };
            let (looks, stop, open) = (looks.clone(), stop.clone(), metrics.connect());
            connections.spawn(async move {
                connection(stream, answering, looks, stop).await;
                drop((permit, place, open));
            });
        }
    }
    // New connections are refused from here on, so that a balancer uses another process.
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
    // The semaphore is never closed, so a permit becomes available eventually.
    let permit = Arc::clone(room).acquire_owned().await.ok();
    match listener.accept().await {
        Ok((stream, peer)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "the connection was closed before it began");
            }
            Some((stream, peer, permit))
        }
        Err(error) => {
            // Most likely out of file descriptors; others will be closed. Without a pause this would spin.
            tracing::warn!(%error, "a connection cannot be accepted");
            time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

/// `patience` limits the wait for a request's head; over HTTP/1.1 also for the next one. Over HTTP/2 the client is
/// pinged at this interval, because there is no timeout for a partial head.
fn builder(patience: Duration, streams: Streams) -> auto::Builder<Streams> {
    let mut builder = auto::Builder::new(streams);
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
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .keep_alive_interval(patience)
        .keep_alive_timeout(patience);
    builder
}

/// Service for the requests of a connection.
struct Answering {
    router: Router,
    limits: Arc<Limits>,
    peer: SocketAddr,
    patience: Patience,
}

async fn connection(stream: TcpStream, answering: Answering, looks: Looks, mut stop: watch::Receiver<bool>) {
    let Answering { router, limits, peer, patience } = answering;
    let (activity, latest, unsent) = (Activity::new(), Latest::default(), Arc::<Unsent>::default());
    let builder = builder(patience.arrival, Streams::new(latest.clone(), looks));
    let service = service_fn(|mut request: Request<Incoming>| {
        let under_way = activity.begin();
        let version = request.version();
        let client = limits.client(peer.ip(), request.headers());
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(ClientAddress(client));
        let holding = enter(&limits, counted(client), &request);
        latest.set(holding.as_ref());
        if let Some(holding) = &holding {
            request.extensions_mut().insert(Arc::clone(holding));
        }
        request.extensions_mut().insert(OverTheWire);
        let (router, unsent) = (router.clone(), Arc::clone(&unsent));
        async move {
            // Nothing was processed, so the client may retry.
            let holding = holding.ok_or_else(|| h2::Error::from(Reason::REFUSED_STREAM))?;
            let response = router.oneshot(request).await.unwrap_or_else(|never| match never {});
            drop(under_way);
            Ok::<Response<HeldBody>, h2::Error>(held(response, version, holding, &unsent))
        }
    });
    let mut stream = TimeoutStream::new(stream);
    // A client that does not read its responses is gone.
    stream.set_write_timeout(Some(patience.arrival));
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(Box::pin(stream)), service));
    // Until the protocol is known, no other timeout applies.
    let mut next_look = std::pin::pin!(time::sleep(patience.arrival));
    let mut last_words: Option<Instant> = None;
    let (mut stopping, mut seen) = (false, None);
    loop {
        tokio::select! {
            ended = &mut connection => {
                if let Err(error) = ended {
                    // Clients may disconnect at any time.
                    tracing::debug!(error = &*error, "a connection ended early");
                }
                return;
            }
            () = &mut next_look => {
                if !activity.was_asked() || unsent.look() || !latest.look(&mut seen) {
                    return;
                }
                match activity.idle() {
                    // Active requests have their own timeouts.
                    None => {}
                    Some(_) if last_words.is_some_and(|since| since.elapsed() >= patience.arrival) => return,
                    Some(idle) if idle < patience.keep_alive || last_words.is_some() => {}
                    Some(_) => {
                        last_words = Some(Instant::now());
                        connection.as_mut().graceful_shutdown();
                    }
                }
                next_look.as_mut().reset(Instant::now() + patience.arrival / 2);
            }
            () = stopped(&mut stop), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Returns the resources of a new request; `None` if there is no stream slot. Over HTTP/1, the connection is enough.
fn enter(limits: &Arc<Limits>, client: u128, request: &Request<Incoming>) -> Option<Arc<Holding>> {
    let stream = if request.version() == Version::HTTP_2 { Some(limits.open(client)?) } else { None };
    Some(Holding::new(limits, client, stream))
}

/// Resolves when the process should stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        // The sender is gone, so nothing can stop the process: keep running.
        future::pending::<()>().await;
    }
}
