//! The router of the core, put together once for each instance.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::Router;
use dezky::{
    clock::SystemClock,
    http::HttpState,
    service::{Service, ServiceSettings},
};

use crate::{identity::HostIdentity, launcher::HostLauncher, platform::settings, store::HostStore, telemetry};

static ROUTER: OnceLock<Router> = OnceLock::new();

/// The API.
pub(crate) fn router() -> Router {
    ROUTER.get_or_init(assemble).clone()
}

fn assemble() -> Router {
    telemetry::start();
    let given = settings::get();
    let settings = ServiceSettings {
        platform_admin_group: given.platform_admin_group,
        public_domain: given.public_domain,
        issuer_ids: given.issuers,
        leeway: Duration::from_millis(given.leeway),
    };
    // The clock is the host's: WASI has it from there.
    let service = Service::new(Arc::new(HostStore), Arc::new(SystemClock), settings);
    let service = Arc::new(service.with_subject_hasher(Arc::new(HostIdentity)));
    let mut state = HttpState::new(service, Arc::new(HostIdentity));
    state.launcher = Arc::new(HostLauncher);
    dezky::http::router(state)
}
