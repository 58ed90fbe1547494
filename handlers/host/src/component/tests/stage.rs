//! The edge of the shared cases: the host's own routes with a component behind them.

use std::{
    path::PathBuf,
    process::Command,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use axum::{Router, body::Body};
use bytes::Bytes;
use dezky::{
    Error, Result,
    context::RequestContext,
    http::{HttpState, TokenIdentity},
    store::SharedStore,
    test_kit::cases::{Edge, NativeStage, Setup, Stage},
};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::{
    component::{Backing, Compiled, Component, Isolation, PoolLimits, Writers, routes},
    configuration::LimitSettings,
    server::{LimitedIdentity, Limits, Metrics},
};

/// Returns the component, compiled once for all tests.
pub(super) fn compiled() -> Compiled {
    static COMPILED: OnceLock<Compiled> = OnceLock::new();
    COMPILED.get_or_init(|| Compiled::load(&component(), Writers::Anybody, PoolLimits::default()).unwrap()).clone()
}

/// Builds the component once for all tests, installing the target if necessary.
pub(super) fn component() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            if let Some(path) = std::env::var_os("DEZKY_TEST_COMPONENT") {
                return path.into();
            }
            build(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/build-component.sh"))
        })
        .clone()
}

/// Runs a component's build script, and returns the path that it prints.
fn build(script: &str) -> PathBuf {
    let output = Command::new(script).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// Returns the hostile component, compiled once for all tests.
pub(super) fn hostile() -> Compiled {
    static COMPILED: OnceLock<Compiled> = OnceLock::new();
    COMPILED.get_or_init(|| Compiled::load(&build_hostile(), Writers::Anybody, PoolLimits::default()).unwrap()).clone()
}

/// Builds the hostile component once for all tests.
pub(super) fn build_hostile() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/build-hostile.sh"))).clone()
}

/// A component over stores of some backend.
#[derive(Debug)]
pub(super) struct ComponentStage {
    pub(super) stores: NativeStage,
    pub(super) compiled: Compiled,
    pub(super) isolation: Isolation,
}

#[async_trait]
impl Stage for ComponentStage {
    async fn store(&self) -> Result<SharedStore> {
        self.stores.store().await
    }

    async fn edge(&self, setup: Setup) -> Result<Box<dyn Edge>> {
        Ok(Box::new(ComponentEdge {
            router: router(setup, &self.compiled, self.isolation, RequestContext::DEFAULT_TIMEOUT)?.0,
        }))
    }
}

/// Returns the routes of a host for a setup, and its metrics.
pub(super) fn router(
    setup: Setup,
    compiled: &Compiled,
    isolation: Isolation,
    timeout: Duration,
) -> Result<(Router, Arc<Metrics>)> {
    let clock = setup.clock.clone();
    let platform = setup.platform()?;
    let metrics = Arc::new(Metrics::new());
    let limits = Limits::new(&LimitSettings::none(), Arc::clone(&metrics));
    let service = Arc::clone(platform.service());
    let identity = Arc::new(LimitedIdentity::new(TokenIdentity::new(platform.verifier().clone()), limits));
    let own = HttpState::new(Arc::clone(&service), identity.clone());
    let platform = Backing { service, identity, clock, metrics: Arc::clone(&metrics) };
    let component = Arc::new(Component::new(compiled, isolation, platform)?);
    let routes = routes(component, own);
    Ok((dezky::http::identified(routes, timeout), metrics))
}

#[derive(Debug)]
struct ComponentEdge {
    router: Router,
}

#[async_trait]
impl Edge for ComponentEdge {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        let response = match self.router.clone().oneshot(request.map(Body::from)).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| Error::internal("an answer broke off").with_source(error))?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
}
