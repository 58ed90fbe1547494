//! The API as a sandboxed component: loading it, answering requests with it, and its access to the host.

mod artefact;
mod bindings;
mod computing;
mod effect;
mod engine;
mod exports;
mod facts;
mod imports;
mod instance;
mod instances;
mod loaded;
mod lock;
mod memory;
mod ownership;
mod routes;
mod swap;
#[cfg(test)]
mod tests;
mod waking;

use std::{
    fmt,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use dezky::{Result, clock::Clock, context::RequestContext, http::Identity, service::Service};
use http::{HeaderName, header};

pub(crate) use engine::PoolLimits;
pub(crate) use routes::routes;
pub(crate) use swap::{Occasions, swap};

pub(crate) use crate::configuration::{Isolation, Writers};
use crate::server::Metrics;
use computing::Epochs;
use exports::Way;
use loaded::Loaded;
use wasmtime::Engine;

/// The parts of the host that serve components.
pub(crate) struct Backing {
    /// The use cases that run on the host: the claims sync, launchers, hashes of subjects. Has the store.
    pub(crate) service: Arc<Service>,
    /// Verifies tokens.
    pub(crate) identity: Arc<dyn Identity>,
    /// The clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// The metrics.
    pub(crate) metrics: Arc<Metrics>,
}

/// Limits of instances.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Maximum number of busy instances.
    pub(crate) instances: usize,
    /// Maximum number of requests that an instance answers.
    pub(crate) reuse: usize,
    /// Maximum memory of an instance in bytes.
    pub(crate) memory: usize,
    /// Maximum memory of all instances together in bytes, not counting the reserved part of each.
    pub(crate) together: usize,
    /// Maximum computing time for one request.
    pub(crate) computing: Duration,
}

impl Bounds {
    /// Returns the bounds for an engine's limits.
    fn of(pool_limits: PoolLimits) -> Self {
        let instances = usize::try_from(pool_limits.instances).unwrap_or(usize::MAX);
        Self {
            instances,
            reuse: 1_024,
            memory: pool_limits.memory,
            together: pool_limits.together,
            computing: Duration::from_secs(1),
        }
    }
}

/// A component that is compiled but not yet bound to a store.
#[derive(Clone)]
pub(crate) struct Compiled {
    engine: Engine,
    epochs: Epochs,
    component: wasmtime::component::Component,
    way: Way,
    pool_limits: PoolLimits,
}

impl fmt::Debug for Compiled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Compiled").field("pool_limits", &self.pool_limits).finish_non_exhaustive()
    }
}

/// Checks the file of a component without loading it.
///
/// # Errors
/// Kind `Configuration` when it cannot be read, or others can write it.
pub(crate) fn check(path: &Path) -> Result<()> {
    artefact::check(path)
}

impl Compiled {
    /// Compiles the component in a file, or loads it from the cache.
    ///
    /// # Errors
    /// Kind `Configuration` when the file is not a component, or others can write it.
    pub(crate) fn load(path: &Path, writers: Writers, pool_limits: PoolLimits) -> Result<Self> {
        let (engine, epochs) = engine::engine(pool_limits)?;
        let component = artefact::load(&engine, path, writers)?;
        let way = Way::of(&component);
        Ok(Self { engine, epochs, component, way, pool_limits })
    }
}

/// The component that is served. It can be swapped for another one while it answers.
pub(crate) struct Component {
    current: RwLock<Arc<Loaded>>,
    isolation: Isolation,
    platform: Arc<Backing>,
}

impl fmt::Debug for Component {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Component").field("isolation", &self.isolation).finish_non_exhaustive()
    }
}

impl Component {
    /// Creates a component that is served by a platform.
    ///
    /// # Errors
    /// Kind `Configuration` when it exports or imports interfaces that this host does not know.
    pub(crate) fn new(compiled: &Compiled, isolation: Isolation, platform: Backing) -> Result<Self> {
        let platform = Arc::new(platform);
        let loaded = Loaded::new(compiled, isolation, Arc::clone(&platform))?;
        Ok(Self { current: RwLock::new(Arc::new(loaded)), isolation, platform })
    }

    /// Returns its backing.
    fn platform(&self) -> &Backing {
        &self.platform
    }

    /// Returns the current component. A caller keeps it until the answer is complete, even if it is swapped.
    fn current(&self) -> Arc<Loaded> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends a request that every component of the API answers in the same way.
    ///
    /// # Errors
    /// Kind `Configuration` when it answers differently, or not at all.
    pub(crate) async fn probe(&self) -> Result<()> {
        self.current().probe().await
    }

    /// Replaces the component from the next request on, if the new one answers like the API.
    ///
    /// # Errors
    /// Kind `Configuration` when it does not; then the previous one stays.
    async fn replace(&self, compiled: &Compiled) -> Result<()> {
        let loaded = Loaded::new(compiled, self.isolation, Arc::clone(&self.platform))?;
        loaded.probe().await?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded);
        Ok(())
    }

    /// Answers a request.
    pub(crate) async fn answer(&self, context: RequestContext, request: http::Request<Body>) -> Response {
        match self.current().answer(context, request).await {
            Ok(response) => response,
            Err(error) => error.into_response(),
        }
    }
}

/// Returns `true` for headers that concern one connection (RFC 9110 §7.6.1) and never cross the boundary.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    [
        header::CONNECTION,
        header::PROXY_AUTHENTICATE,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ]
    .contains(name)
        || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "http2-settings")
}
