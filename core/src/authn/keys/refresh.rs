//! Background refresh of an issuer's keys.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use super::cache::IssuerKeys;

/// Fetches keys now and then periodically, until the cache is dropped.
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

/// Returns the delay until the next fetch: shortly before the set is due, sooner after a failure.
fn until_next(keys: &Arc<IssuerKeys>) -> Duration {
    let wait = if keys.status().last_error.is_some() {
        keys.backoff()
    } else {
        keys.limits.refresh_interval.saturating_sub(keys.limits.refresh_interval / 12)
    };
    wait.max(Duration::from_millis(10))
}
