//! The HTTP server: the API, liveness, readiness and metrics over HTTP/1.1 and HTTP/2 without TLS.

mod connections;
mod limits;
mod metrics;
mod readiness;
mod routes;

use std::{net::SocketAddr, sync::Arc};

use axum::Router;
use dezky::Result;
use tokio::{net::TcpListener, sync::watch};

pub(crate) use limits::{LimitedIdentity, Limits};
pub(crate) use metrics::Metrics;
pub(crate) use readiness::Readiness;

use crate::configuration::{Listen, refuse};

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Listens.
    ///
    /// # Errors
    /// Kind `Configuration` when the address cannot be used.
    pub(crate) async fn bind(listen: &Listen) -> Result<Self> {
        let refused = |error: std::io::Error| {
            refuse(format!("{}: cannot listen on `{}` ({error}): choose another", listen.origin, listen.address))
        };
        let listener = TcpListener::bind(listen.address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` turns true and every request under way is finished. `api` comes without ids: they are given here.
    pub(crate) async fn serve(
        self,
        api: Router,
        readiness: Arc<Readiness>,
        metrics: Arc<Metrics>,
        limits: Arc<Limits>,
        stop: watch::Receiver<bool>,
    ) {
        let router = routes::all(api, readiness, Arc::clone(&metrics), Arc::clone(&limits));
        tokio::select! {
            () = connections::serve(self.listener, router, metrics, Arc::clone(&limits), stop) => {}
            () = limits.prune() => {}
        }
    }
}
