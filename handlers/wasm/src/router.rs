//! The router of the core, of which an instance builds each section once, when first requested.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use dezky::{
    clock::SystemClock,
    domain::{Choice as _, plan::Catalogue, workspace::SystemKind},
    http::{HttpState, Section, SectionRouter},
    service::{Service, ServiceSettings},
};

use crate::{
    effect::HostEffect, identity::HostIdentity, launcher::HostLauncher, platform::settings, store::HostStore, telemetry,
};

static STATE: OnceLock<Arc<HttpState>> = OnceLock::new();

/// The sections of the API requested so far. An instance may answer only one request, which needs one of them.
static ROUTERS: Mutex<BTreeMap<Section, SectionRouter>> = Mutex::new(BTreeMap::new());

/// Returns the section of the API that answers a path.
pub(crate) fn router(path: &str) -> SectionRouter {
    let section = Section::of(path);
    let state = STATE.get_or_init(|| Arc::new(state()));
    let mut routers = ROUTERS.lock().unwrap_or_else(PoisonError::into_inner);
    routers.entry(section).or_insert_with(|| SectionRouter::new(section, Arc::clone(state))).clone()
}

/// Returns the addresses of the systems that this version knows.
fn addresses(given: Vec<(String, String)>) -> BTreeMap<SystemKind, String> {
    given.into_iter().filter_map(|(name, url)| Some((SystemKind::of(&name)?, url))).collect()
}

/// Reads the plans, which the host has checked.
fn plans(given: &str) -> Catalogue {
    serde_json::from_str(given).unwrap_or_else(|error| {
        tracing::error!(%error, "the plans of the host cannot be read: build the component from the host's release");
        Catalogue::default()
    })
}

fn state() -> HttpState {
    telemetry::start();
    let given = settings::get();
    let settings = ServiceSettings {
        platform_admin_group: given.platform_admin_group,
        public_domain: given.public_domain,
        issuer_ids: given.issuers,
        leeway: Duration::from_millis(given.leeway),
        grace: Duration::from_millis(given.grace),
        systems: given.systems.iter().filter_map(|name| SystemKind::of(name)).collect(),
        system_urls: addresses(given.system_urls),
        plans: plans(&given.plans),
        // They are for ending sessions by logout tokens and for housekeeping, which the host does.
        ..ServiceSettings::default()
    };
    // The clock is the host's, provided through WASI.
    let service = Service::new(Arc::new(HostStore), Arc::new(SystemClock), settings);
    let service = Arc::new(service.with_effect(Arc::new(HostEffect)).without_first_uses());
    let mut state = HttpState::new(service, Arc::new(HostIdentity));
    state.launcher = Arc::new(HostLauncher);
    state
}
