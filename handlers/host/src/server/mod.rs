//! The HTTP server: the API, liveness, readiness and metrics over HTTP/1.1 and HTTP/2 without TLS.

mod activity;
mod answers;
mod connections;
mod descriptors;
mod limits;
mod metrics;
mod operations;
mod readiness;
mod routes;
mod spans;
mod streams;
mod systems;
mod tasks;

use std::{net::SocketAddr, sync::Arc};

use axum::Router;
use dezky::Result;
use tokio::{net::TcpListener, sync::watch};

pub(crate) use descriptors::{CONNECTIONS, ConnectionLimit};
#[cfg(feature = "component")]
pub(crate) use limits::Noticed;
pub(crate) use limits::{LimitedIdentity, Limits};
pub(crate) use metrics::Metrics;
pub(crate) use readiness::Readiness;
pub(crate) use spans::{Spans, StoreCall, StoreSpans};

use crate::configuration::{Listen, refuse};
use operations::Audience;
use routes::Sources;
use streams::Looks;

/// A server that listens and does not respond yet.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    address: SocketAddr,
    connections: usize,
    /// Operations address, if any.
    operations: Option<TcpListener>,
}

/// Maximum number of connections to the operations address.
const OPERATIONS_CONNECTIONS: usize = 32;

impl Server {
    /// Starts listening, with as many file descriptors as the process may have.
    ///
    /// # Errors
    /// Kind `Configuration` when the address is unusable, or there are far too few descriptors.
    pub(crate) async fn bind(listen: &Listen, operations: Option<&Listen>) -> Result<Self> {
        let mut connections = connections()?;
        let (listener, address) = bound(listen).await?;
        let operations = match operations {
            None => None,
            Some(operations) => {
                let (listener, address) = bound(operations).await?;
                connections = connections.saturating_sub(OPERATIONS_CONNECTIONS.min(connections / 2));
                tracing::info!(%address, "metrics and details of readiness are told");
                Some(listener)
            }
        };
        Ok(Self { listener, address, connections, operations })
    }

    /// Returns the listening address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is true and all requests have finished. `api` comes without request ids, which are added
    /// here.
    pub(crate) async fn serve(
        self,
        api: Router,
        readiness: Arc<Readiness>,
        metrics: Arc<Metrics>,
        limits: Arc<Limits>,
        spans: Option<Spans>,
        stop: watch::Receiver<bool>,
    ) {
        let sources = Sources { readiness, metrics: Arc::clone(&metrics), limits: Arc::clone(&limits), spans };
        let audience = if self.operations.is_some() { Audience::Nobody } else { Audience::ThisMachine };
        let router = routes::all(api, sources.clone(), audience);
        let looks = Looks::new(limits.arrival());
        let serve = |listener, most, router| {
            let (metrics, limits) = (Arc::clone(&metrics), Arc::clone(&limits));
            connections::serve((listener, most), router, metrics, limits, looks.clone(), stop.clone())
        };
        let operations = async {
            if let Some(listener) = self.operations {
                serve(listener, OPERATIONS_CONNECTIONS, routes::operations(sources)).await;
            }
        };
        tokio::select! {
            ((), ()) = async { tokio::join!(serve(self.listener, self.connections, router), operations) } => {}
            () = looks.go_on() => {}
            () = limits.prune() => {}
        }
    }
}

/// The operations address of a process that serves no API.
#[derive(Debug)]
pub(crate) struct Operations(TcpListener);

impl Operations {
    /// Opens the socket.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub(crate) async fn bind(listen: &Listen) -> Result<Self> {
        let (listener, address) = bound(listen).await?;
        tracing::info!(%address, "metrics and details of readiness are told");
        Ok(Self(listener))
    }

    /// Serves probes and metrics until `stop` is true.
    pub(crate) async fn serve(
        self,
        readiness: Arc<Readiness>,
        metrics: Arc<Metrics>,
        limits: Arc<Limits>,
        stop: watch::Receiver<bool>,
    ) {
        let looks = Looks::new(limits.arrival());
        let sources = Sources { readiness, metrics: Arc::clone(&metrics), limits: Arc::clone(&limits), spans: None };
        let router = routes::operations(sources);
        tokio::select! {
            () = connections::serve((self.0, OPERATIONS_CONNECTIONS), router, metrics, Arc::clone(&limits), looks.clone(), stop) => {}
            () = looks.go_on() => {}
            () = limits.prune() => {}
        }
    }
}

async fn bound(listen: &Listen) -> Result<(TcpListener, SocketAddr)> {
    let refused = |error: std::io::Error| {
        refuse(format!("{}: cannot listen on `{}` ({error}): choose another", listen.origin, listen.address))
    };
    let listener = TcpListener::bind(listen.address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

/// Returns the maximum number of connections.
fn connections() -> Result<usize> {
    let allowed = ConnectionLimit::take()
        .map_err(|error| refuse(format!("the limit on open files cannot be raised ({error}): raise `ulimit -n`")))?;
    let Some(connections) = allowed.connections else {
        return Err(refuse(format!(
            "{} open files are allowed, which is too few for a server: raise the hard limit (`ulimit -Hn`, or \
             `LimitNOFILE=` of the service), to 16384 for all {CONNECTIONS} connections",
            allowed.limit
        )));
    };
    if connections < CONNECTIONS {
        let limit = allowed.limit;
        tracing::warn!(connections, limit, "fewer connections than usual: the hard limit on open files is low");
    }
    Ok(connections)
}
