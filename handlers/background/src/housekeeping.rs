//! Deletion of expired records.

use std::{sync::Arc, time::Duration};

use dezky::service::Service;
use tokio::time;

use crate::condition::Condition;

/// Pause between two rounds.
const INTERVAL: Duration = Duration::from_secs(600);
/// Maximum number of records deleted per round.
const BATCH: usize = 200;

pub(crate) async fn keep(service: Arc<Service>) {
    let mut condition = Condition::new("forgetting what has expired");
    loop {
        match service.forget_expired().await {
            Ok(forgotten) => {
                condition.succeeded();
                if forgotten < BATCH {
                    time::sleep(INTERVAL).await;
                }
            }
            Err(error) => time::sleep(condition.failed(&error)).await,
        }
    }
}
