//! The task that keeps the keys of an issuer fresh.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use super::cache::IssuerKeys;

/// Fetches keys at once and then again and again, until the keys are dropped.
pub(crate) async fn keep_refreshed(keys: Weak<IssuerKeys>) {
    loop {
        let wait = match keys.upgrade() {
            Some(keys) if !keys.is_fixed() => {
                keys.refresh().await;
                until_next(&keys)
            }
            _ => return,
        };
        tokio::time::sleep(wait).await;
    }
}

/// A little before the set is due, so that no request has to wait for the fetch; sooner after a failure.
fn until_next(keys: &Arc<IssuerKeys>) -> Duration {
    let wait = if keys.status().last_error.is_some() {
        keys.backoff()
    } else {
        keys.limits.refresh_interval.saturating_sub(keys.limits.refresh_interval / 12)
    };
    wait.max(Duration::from_millis(10))
}
