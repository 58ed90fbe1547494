//! What runs beside the calls: the first tenant, the outbox, and forgetting what has expired. As in the server, which may
//! do the same on the same store.

use std::{sync::Arc, time::Duration};

use dezky::{
    Error, ErrorKind, Result,
    service::{Service, operation::SeedSettings},
};
use tokio::{task::JoinSet, time};

/// Pause between looks at the outbox.
const OUTBOX_INTERVAL: Duration = Duration::from_secs(1);
/// Pause between two rounds of forgetting.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(600);
/// As many records as one round of forgetting removes.
const HOUSEKEEPING_BATCH: usize = 200;
/// Pause after a failure; twice as long after each further one, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Starts everything, on the runtime of the caller. It ends when what is returned is dropped; a commit that is under way has
/// its whole effect or none.
pub(crate) fn start(service: &Arc<Service>, seed: SeedSettings) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(make_first_tenant(Arc::clone(service), seed));
    tasks.spawn(work_outbox(Arc::clone(service)));
    tasks.spawn(keep_house(Arc::clone(service)));
    tasks
}

/// How long to wait after so many failures. The first is told to the log.
fn pause(work: &'static str, failures: &mut u32, error: &Error) -> Duration {
    if *failures == 0 {
        tracing::warn!(work, ?error, "it fails and is tried again");
    }
    let pause = FIRST_PAUSE.saturating_mul(1_u32.checked_shl((*failures).min(16)).unwrap_or(u32::MAX));
    *failures = failures.saturating_add(1);
    pause.min(LONGEST_PAUSE)
}

async fn make_first_tenant(service: Arc<Service>, settings: SeedSettings) {
    let mut failures = 0;
    while let Err(error) = service.seed(&settings).await {
        if error.kind() == ErrorKind::Configuration {
            tracing::error!(?error, "the first tenant cannot be made");
            return;
        }
        time::sleep(pause("making the first tenant", &mut failures, &error)).await;
    }
}

async fn work_outbox(service: Arc<Service>) {
    let mut failures = 0;
    loop {
        match empty_outbox(&service).await {
            Ok(()) => {
                failures = 0;
                time::sleep(OUTBOX_INTERVAL).await;
            }
            Err(error) => time::sleep(pause("the outbox", &mut failures, &error)).await,
        }
    }
}

async fn empty_outbox(service: &Service) -> Result<()> {
    while service.work_outbox().await? > 0 {}
    Ok(())
}

async fn keep_house(service: Arc<Service>) {
    let mut failures = 0;
    loop {
        match service.forget_expired().await {
            Ok(forgotten) => {
                failures = 0;
                if forgotten < HOUSEKEEPING_BATCH {
                    time::sleep(HOUSEKEEPING_INTERVAL).await;
                }
            }
            Err(error) => time::sleep(pause("forgetting what has expired", &mut failures, &error)).await,
        }
    }
}
