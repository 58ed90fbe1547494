//! What runs beside the requests, and what the process makes of it.

use std::sync::Arc;

use dezky::service::{Service, operation::SeedSettings};
use dezky_background::FirstTenant;
use tokio::{sync::mpsc, task::JoinSet};

use crate::{failure::Failure, server::Readiness};

/// Starts everything. It ends when what is returned is dropped; a commit that is under way has its whole effect or
/// none. What makes it pointless to go on comes through `fatal`.
pub(crate) fn start(
    service: &Arc<Service>,
    seed: SeedSettings,
    readiness: Arc<Readiness>,
    fatal: mpsc::Sender<Failure>,
) -> JoinSet<()> {
    dezky_background::start(service, seed, move |told| match told {
        FirstTenant::There => readiness.seeded(),
        FirstTenant::Delayed(why) => readiness.seed_failed(why),
        FirstTenant::Refused(error) => {
            readiness.seed_failed(error.message().to_owned());
            // There is room for the one that is ever sent.
            if fatal.try_send(Failure::from(error)).is_err() {
                tracing::debug!("the process is stopping already");
            }
        }
    })
}
