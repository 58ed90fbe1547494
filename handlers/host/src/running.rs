//! A running server: store, issuers, use cases, background work and sockets put together.

use std::{net::SocketAddr, sync::Arc};

use dezky::{
    Result,
    authn::{
        Verifier, VerifierOptions,
        keys::{HttpKeySource, StoreArchive},
    },
    clock::SystemClock,
    context::RequestContext,
    http::{HttpState, TokenIdentity, unidentified},
    service::{Call, Service, views::ProfileView},
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
};

use crate::{
    background,
    configuration::Configuration,
    failure::Failure,
    server::{LimitedIdentity, Limits, Metrics, Readiness, Server},
    store,
};

/// A running server.
#[derive(Debug)]
pub(crate) struct Running {
    verifier: Verifier,
    service: Arc<Service>,
    readiness: Arc<Readiness>,
    address: SocketAddr,
    signals: Signals,
    background: JoinSet<()>,
    server: JoinHandle<()>,
    stop: watch::Sender<bool>,
    fatal: mpsc::Receiver<Failure>,
}

#[derive(Debug)]
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

impl Running {
    /// Starts to answer. Store and issuers may be away: then it is not ready until they come.
    ///
    /// # Errors
    /// When a setting is wrong.
    pub(crate) async fn start(configuration: &Configuration) -> Result<Self, Failure> {
        configuration.require_issuers()?;
        let signals = Signals::listen()?;
        let metrics = Arc::new(Metrics::new());
        let server = Server::bind(&configuration.listen).await?;
        let address = server.address();
        let store = store::open(configuration, &metrics)?;
        let clock = Arc::new(SystemClock);
        let verifier = Verifier::new(
            configuration.issuers.clone(),
            Arc::new(HttpKeySource::new(configuration.extra_ca_certificates.as_deref())?),
            Arc::new(StoreArchive::new(Arc::clone(&store))),
            clock.clone(),
            VerifierOptions::default(),
        )?;
        verifier.start();
        let service = Arc::new(Service::new(Arc::clone(&store), clock, configuration.service_settings()));
        let readiness = Readiness::new(store, verifier.clone());
        let (fatal_sender, fatal) = mpsc::channel(1);
        let background = background::start(&service, configuration.seed.clone(), Arc::clone(&readiness), fatal_sender);
        let limits = Limits::new(&configuration.limits, Arc::clone(&metrics));
        let identity = LimitedIdentity::new(TokenIdentity::new(verifier.clone()), Arc::clone(&limits));
        let api = unidentified(HttpState::new(Arc::clone(&service), Arc::new(identity)));
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(server.serve(api, Arc::clone(&readiness), metrics, limits, stopped));
        tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
        Ok(Self { verifier, service, readiness, address, signals, background, server, stop, fatal })
    }

    /// Signs the bearer of a token in, as `GET /users/me` does.
    ///
    /// # Errors
    /// As that.
    pub(crate) async fn sign_in(&self, token: &str) -> Result<ProfileView, Failure> {
        let context = RequestContext::new("sign-in");
        let token = self.verifier.verify(&context, token).await?;
        Ok(self.service.profile(&Call::by_token(context, token)).await?)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until tokens can be verified and the first tenant is there; not longer than until it is told to stop, or
    /// until it is pointless to wait.
    ///
    /// # Errors
    /// What made it pointless to go on.
    pub(crate) async fn until_usable(&mut self) -> Result<bool, Failure> {
        tokio::select! {
            () = self.signals.received() => Ok(false),
            Some(failure) = self.fatal.recv() => Err(failure),
            () = async {
                self.verifier.refresh().await;
                self.readiness.until_seeded().await;
            } => Ok(true),
        }
    }

    /// Waits for SIGTERM or SIGINT, then until the requests under way are finished.
    ///
    /// # Errors
    /// What made it pointless to go on.
    pub(crate) async fn until_stopped(mut self) -> Result<(), Failure> {
        let outcome = tokio::select! {
            () = self.signals.received() => Ok(()),
            // The sender is dropped once the first tenant is there; nothing fatal comes after that.
            Some(failure) = self.fatal.recv() => Err(failure),
        };
        self.readiness.stop();
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.server).await {
            return Err(Failure::failed(format!("the server ended by a defect: {error}")));
        }
        self.background.shutdown().await;
        self.verifier.stop();
        tracing::info!("stopped");
        outcome
    }
}
