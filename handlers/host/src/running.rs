//! A running server, assembled from store, issuers, use cases, background work and sockets.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use dezky::{
    Platform, Result,
    authn::Verifier,
    context::RequestContext,
    http::{HttpState, TokenIdentity, unidentified},
    outbound::CertificateAuthorities,
    service::{Call, Service, views::ProfileView},
    work::{Driver, StoreChanges},
    workspace::Worker,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time,
};

#[cfg(feature = "component")]
use crate::component::{self, Backing, Compiled, Component, Occasions, PoolLimits};
#[cfg(feature = "component")]
use crate::configuration::ComponentSettings;
use crate::{
    background,
    configuration::{Configuration, refuse},
    failure::Failure,
    server::{LimitedIdentity, Limits, Metrics, Readiness, Server, Spans},
    store,
};
#[cfg(feature = "component")]
use dezky::clock::SystemClock;

/// The parts that a component is served with.
#[cfg(feature = "component")]
struct Served {
    service: Arc<Service>,
    identity: Arc<LimitedIdentity<TokenIdentity>>,
    metrics: Arc<Metrics>,
    state: HttpState,
}

/// Serves the API through a component, which is swapped in the background.
#[cfg(feature = "component")]
async fn sandboxed(
    settings: &ComponentSettings,
    served: Served,
    background: &mut JoinSet<()>,
) -> Result<axum::Router, Failure> {
    let Served { service, identity, metrics, state } = served;
    let backing = Backing { service, identity, clock: Arc::new(SystemClock), metrics };
    let occasions = Occasions::of(settings.file.clone())?;
    let pool_limits = PoolLimits::default();
    let compiled = Compiled::load(&settings.file, settings.writers, pool_limits)?;
    let component = Arc::new(Component::new(&compiled, settings.isolation, backing)?);
    component.probe().await?;
    background.spawn(component::swap(Arc::clone(&component), occasions, settings.writers, pool_limits));
    Ok(component::routes(component, state))
}

/// Longest wait for the collector at the end.
const LAST_SPANS: Duration = Duration::from_secs(3);

/// Starts the export of spans, if there is a collector.
fn exporter(configuration: &Configuration, metrics: &Arc<Metrics>) -> Result<Option<(Spans, JoinHandle<()>)>> {
    let Some(endpoint) = &configuration.otlp_endpoint else { return Ok(None) };
    let added = configuration.extra_ca_certificates.as_deref().map(CertificateAuthorities::from_pem);
    let (spans, exporting) = Spans::to(endpoint, added.transpose()?.unwrap_or_default(), Arc::clone(metrics))
        .map_err(|error| refuse(format!("`DEZKY_OTLP_ENDPOINT`: {error}")))?;
    Ok(Some((spans, tokio::spawn(exporting))))
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Running {
    verifier: Verifier,
    service: Arc<Service>,
    readiness: Arc<Readiness>,
    address: SocketAddr,
    signals: Signals,
    driver: Driver,
    /// Answers that go on.
    changes: Arc<StoreChanges>,
    background: JoinSet<()>,
    server: JoinHandle<()>,
    /// Export of spans, which ends after the server.
    exporting: Option<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    fatal: mpsc::Receiver<Failure>,
    drain: Duration,
}

#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// Swaps the component, if there is one. Otherwise it does nothing; without a handler it would end the process.
    _hangup: Signal,
}

impl Signals {
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            _hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for a signal. Returns `true` if it is that of a supervisor and not that of a person at a terminal.
    pub(crate) async fn received(&mut self) -> bool {
        tokio::select! {
            _ = self.interrupt.recv() => false,
            _ = self.terminate.recv() => true,
        }
    }
}

impl Running {
    /// Starts serving. Store and issuers may be unreachable; the server is not ready until they are back.
    ///
    /// # Errors
    /// When a setting is invalid.
    pub(crate) async fn start(configuration: &Configuration) -> Result<Self, Failure> {
        configuration.require_issuers()?;
        let signals = Signals::listen()?;
        let metrics = Arc::new(Metrics::new());
        let server = Server::bind(&configuration.listen, configuration.operations.as_ref()).await?;
        let address = server.address();
        let (spans, exporting) = exporter(configuration, &metrics)?.unzip();
        let store = store::open_traced(configuration, &metrics, spans.as_ref().map(Spans::of_store))?;
        let worker = configuration.worker()?;
        let mail = worker.as_deref().and_then(Worker::mail_passwords);
        let platform = Platform::open(configuration.platform_options(Arc::clone(&store))?.mail(mail))?;
        platform.start();
        let (service, verifier) = (Arc::clone(platform.service()), platform.verifier().clone());
        if let Some(worker) = &worker {
            metrics.follow(worker);
        }
        let driver = background::start(&service, configuration, configuration.reached(worker)?);
        let readiness = Readiness::new(store, Some(verifier.clone()), driver.statuses());
        let (fatal_sender, fatal) = mpsc::channel(1);
        let mut background = JoinSet::new();
        background.spawn(background::watch_first_tenant(driver.statuses(), fatal_sender));
        let limits = Limits::new(&configuration.limits, Arc::clone(&metrics));
        let identity = Arc::new(LimitedIdentity::new(TokenIdentity::new(verifier.clone()), Arc::clone(&limits)));
        let mut state = HttpState::new(Arc::clone(&service), identity.clone());
        let changes = StoreChanges::of(Arc::clone(service.store()));
        state.live = Some(changes.clone());
        let api = match &configuration.component {
            None => unidentified(state),
            #[cfg(not(feature = "component"))]
            Some(_) => {
                let advice = "leave `component` out, or build dezky with the feature `component`";
                return Err(Failure::usage(format!("this build serves no components: {advice}")));
            }
            #[cfg(feature = "component")]
            Some(settings) => {
                let served = Served { service: Arc::clone(&service), identity, metrics: Arc::clone(&metrics), state };
                sandboxed(settings, served, &mut background).await?
            }
        };
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(server.serve(api, Arc::clone(&readiness), metrics, limits, spans, stopped));
        tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
        let drain = configuration.drain;
        Ok(Self {
            verifier,
            service,
            readiness,
            address,
            signals,
            driver,
            changes,
            background,
            server,
            exporting,
            stop,
            fatal,
            drain,
        })
    }

    /// Signs in the bearer of a token, as `GET /users/me` does.
    ///
    /// # Errors
    /// As `GET /users/me`.
    pub(crate) async fn sign_in(&self, token: &str) -> Result<ProfileView, Failure> {
        let context = RequestContext::new("sign-in");
        let token = self.verifier.verify(&context, token).await?;
        Ok(self.service.profile(&Call::by_token(context, token)).await?)
    }

    /// Returns the use cases.
    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    /// Returns the address that it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until tokens can be verified and the first tenant exists.
    ///
    /// Ends early if it is stopped or a fatal error occurs.
    ///
    /// # Errors
    /// The fatal error.
    pub(crate) async fn until_usable(&mut self) -> Result<bool, Failure> {
        tokio::select! {
            _ = self.signals.received() => Ok(false),
            Some(failure) = self.fatal.recv() => Err(failure),
            () = async {
                self.verifier.refresh().await;
                self.readiness.until_seeded().await;
            } => Ok(true),
        }
    }

    /// Waits for SIGTERM or SIGINT, then until requests in progress are finished. A further signal ends the wait.
    ///
    /// After SIGTERM, requests are still accepted for the configured time while `/readyz` reports the shutdown, since
    /// load balancers notice it late.
    ///
    /// # Errors
    /// The fatal error.
    pub(crate) async fn until_stopped(mut self) -> Result<(), Failure> {
        let outcome = tokio::select! {
            supervised = self.signals.received() => {
                self.readiness.stop();
                if supervised {
                    self.drain().await;
                }
                Ok(())
            }
            // The sender is dropped once the first tenant exists; no fatal error comes after that.
            Some(failure) = self.fatal.recv() => Err(failure),
        };
        self.readiness.stop();
        self.changes.close();
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.server).await {
            return Err(Failure::failed(format!("the server ended by a defect: {error}")));
        }
        if let Some(exporting) = &mut self.exporting
            && time::timeout(LAST_SPANS, exporting).await.is_err()
        {
            tracing::warn!("the last spans were not exported: the collector does not answer");
        }
        self.background.shutdown().await;
        self.driver.stop().await;
        self.verifier.stop();
        tracing::info!("stopped");
        outcome
    }

    /// Waits until load balancers have noticed that this process is shutting down.
    async fn drain(&mut self) {
        if self.drain.is_zero() {
            return;
        }
        tracing::info!(seconds = self.drain.as_secs(), "draining: not ready any more, and requests are still accepted");
        tokio::select! {
            () = time::sleep(self.drain) => {}
            _ = self.signals.received() => {}
        }
    }
}
