//! What runs beside the requests of a process: the first tenant, the outbox, and forgetting what has expired. Several
//! processes may do the same on one store.

mod condition;
mod first_tenant;
mod housekeeping;
mod outbox;

use std::sync::Arc;

use dezky::service::{Service, operation::SeedSettings};
use tokio::task::JoinSet;

pub use first_tenant::FirstTenant;

/// Starts everything, on the runtime of the caller. It ends when what is returned is dropped; a commit that is under way has its
/// whole effect or none. What becomes of the first tenant is told, and nothing after it is done or refused.
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
