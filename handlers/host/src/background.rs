//! Starts the background tasks of the process.

use std::sync::Arc;

use dezky::service::{Service, operation::SeedSettings};
use dezky_background::FirstTenant;
use tokio::{sync::mpsc, task::JoinSet};

use crate::{failure::Failure, server::Readiness};

/// Starts all background tasks, which end when the result is dropped.
///
/// A commit in progress then has its whole effect or none. Errors that make it pointless to continue are sent to
/// `fatal`.
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
            // There is capacity for the only one that is ever sent.
            if fatal.try_send(Failure::from(error)).is_err() {
                tracing::debug!("the process is stopping already");
            }
        }
    })
}
