//! Background work of a process: the first tenant, the outbox and deletion of expired records.
//!
//! Several processes may do it on one store.

mod condition;
mod first_tenant;
mod housekeeping;
mod outbox;

use std::sync::Arc;

use dezky::service::{Service, operation::SeedSettings};
use tokio::task::JoinSet;

pub use first_tenant::FirstTenant;

/// Starts all background work on the current runtime. Dropping the result ends it.
///
/// A commit in flight then has its whole effect or none. `told` receives the outcome for the first tenant; nothing else
/// waits for that.
pub fn start(
    service: &Arc<Service>,
    seed: SeedSettings,
    told: impl Fn(FirstTenant) + Send + Sync + 'static,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(first_tenant::make(Arc::clone(service), seed, told));
    tasks.spawn(outbox::work(Arc::clone(service)));
    tasks.spawn(housekeeping::keep(Arc::clone(service)));
    tasks
}
