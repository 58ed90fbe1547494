//! Processing of the outbox.

use std::{sync::Arc, time::Duration};

use dezky::{Result, domain::outbox::OUTBOX, service::Service};
use futures_util::StreamExt as _;
use tokio::time;

use crate::condition::Condition;

/// Polling interval of the outbox where the store does not announce changes.
const INTERVAL: Duration = Duration::from_secs(1);
/// Polling interval where it does, since an announcement may be missed.
const LONG_INTERVAL: Duration = Duration::from_secs(30);

pub(crate) async fn work(service: Arc<Service>) {
    let mut condition = Condition::new("the outbox");
    // Listening starts before the first poll, so that no change is missed in between.
    let mut changes = service.store().changes();
    loop {
        match empty(&service).await {
            Ok(()) => condition.succeeded(),
            Err(error) => {
                time::sleep(condition.failed(&error)).await;
                continue;
            }
        }
        let Some(stream) = &mut changes else {
            time::sleep(INTERVAL).await;
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
        // An ended stream is reopened after a pause.
        if let Ok(false) = time::timeout(LONG_INTERVAL, told).await {
            changes = None;
        }
    }
}

async fn empty(service: &Service) -> Result<()> {
    while service.work_outbox().await? > 0 {}
    Ok(())
}
