//! What runs beside the requests: the first tenant, the outbox, and forgetting what has expired.

use std::{sync::Arc, time::Duration};

use dezky::{
    Error, ErrorKind, Result,
    domain::outbox::OUTBOX,
    service::{Service, operation::SeedSettings},
};
use futures_util::StreamExt as _;
use tokio::{sync::mpsc, task::JoinSet, time};

use crate::{failure::Failure, server::Readiness};

/// Pause between looks at the outbox where the store does not tell of changes.
const OUTBOX_INTERVAL: Duration = Duration::from_secs(1);
/// The same where it does: a hint may be missed.
const OUTBOX_LONG_INTERVAL: Duration = Duration::from_secs(30);
/// Pause between two rounds of forgetting.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(600);
/// As many records as one round of forgetting removes.
const HOUSEKEEPING_BATCH: usize = 200;

/// Starts everything. It ends when what is returned is dropped; a commit that is under way has its whole effect or
/// none. What makes it pointless to go on comes through `fatal`.
pub(crate) fn start(
    service: &Arc<Service>,
    seed: SeedSettings,
    readiness: Arc<Readiness>,
    fatal: mpsc::Sender<Failure>,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(make_first_tenant(Arc::clone(service), seed, readiness, fatal));
    tasks.spawn(work_outbox(Arc::clone(service)));
    tasks.spawn(keep_house(Arc::clone(service)));
    tasks
}

/// Whether some work succeeds, told to the log when that changes and not with each attempt.
#[derive(Debug)]
struct Condition {
    work: &'static str,
    failures: u32,
}

impl Condition {
    const FIRST_PAUSE: Duration = Duration::from_millis(200);
    const LONGEST_PAUSE: Duration = Duration::from_secs(15);

    fn new(work: &'static str) -> Self {
        Self { work, failures: 0 }
    }

    fn succeeded(&mut self) {
        if self.failures > 0 {
            tracing::info!(work = self.work, failures = self.failures, "it succeeds again");
        }
        self.failures = 0;
    }

    /// How long to wait before the next attempt: twice as long each time, up to 15 s.
    fn failed(&mut self, error: &Error) -> Duration {
        if self.failures == 0 {
            tracing::warn!(work = self.work, error = explain(error), "it fails and is tried again");
        }
        let pause = Self::FIRST_PAUSE.saturating_mul(1_u32.checked_shl(self.failures.min(16)).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        pause.min(Self::LONGEST_PAUSE)
    }
}

/// The error with its cause, which the public message may hide.
fn explain(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

async fn make_first_tenant(
    service: Arc<Service>,
    settings: SeedSettings,
    readiness: Arc<Readiness>,
    fatal: mpsc::Sender<Failure>,
) {
    let mut condition = Condition::new("making the first tenant");
    loop {
        match service.seed(&settings).await {
            Ok(seeded) => {
                condition.succeeded();
                if seeded.tenant_created {
                    tracing::info!(slug = settings.slug, "the first tenant was made");
                }
                readiness.seeded();
                return;
            }
            Err(error) if error.kind() == ErrorKind::Configuration => {
                readiness.seed_failed(error.message().to_owned());
                if fatal.send(Failure::from(error)).await.is_err() {
                    tracing::debug!("the process is stopping already");
                }
                return;
            }
            Err(error) => {
                readiness.seed_failed(explain(&error));
                time::sleep(condition.failed(&error)).await;
            }
        }
    }
}

async fn work_outbox(service: Arc<Service>) {
    let mut condition = Condition::new("the outbox");
    // Listening begins before the first look, so that nothing falls in between.
    let mut changes = service.store().changes();
    loop {
        match empty_outbox(&service).await {
            Ok(()) => condition.succeeded(),
            Err(error) => {
                time::sleep(condition.failed(&error)).await;
                continue;
            }
        }
        let Some(stream) = &mut changes else {
            time::sleep(OUTBOX_INTERVAL).await;
            changes = service.store().changes();
            continue;
        };
        let told = async {
            while let Some(notice) = stream.next().await {
                if notice.collections.is_empty() || notice.collections.contains(&OUTBOX.name) {
                    return true;
                }
            }
            false
        };
        // A stream that has ended is opened anew after a pause.
        if let Ok(false) = time::timeout(OUTBOX_LONG_INTERVAL, told).await {
            changes = None;
        }
    }
}

async fn empty_outbox(service: &Service) -> Result<()> {
    while service.work_outbox().await? > 0 {}
    Ok(())
}

async fn keep_house(service: Arc<Service>) {
    let mut condition = Condition::new("forgetting what has expired");
    loop {
        match service.forget_expired().await {
            Ok(forgotten) => {
                condition.succeeded();
                if forgotten < HOUSEKEEPING_BATCH {
                    time::sleep(HOUSEKEEPING_INTERVAL).await;
                }
            }
            Err(error) => time::sleep(condition.failed(&error)).await,
        }
    }
}
