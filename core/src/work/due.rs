//! Work that becomes due, as the workers share it: the time until it is, reading it, and the wait before another attempt.

use std::time::Duration;

use super::time;
use crate::{
    clock::Timestamp,
    context::SystemActor,
    error::Result,
    service::{Call, Service},
    store::{Entity, Filter, Index, Query, Repository as _, Value},
};

/// Maximum wait before an attempt.
const LONGEST_RETRY: Duration = Duration::from_secs(60 * 60);

/// Returns the wait after this number of attempts: `first` after one, doubled with each further one, an hour at most.
pub(super) fn retry_after(first: Duration, attempts: u32) -> Duration {
    let factor = 1_u32.checked_shl(attempts.saturating_sub(1).min(16)).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(LONGEST_RETRY)
}

/// Returns the time until the first document of an index is due, zero if one is; `None` if there are none.
pub(super) async fn next_due<E: Entity>(
    service: &Service,
    part: SystemActor,
    by_due: &'static Index,
    due_at: impl Fn(&E) -> Timestamp,
) -> Result<Option<Duration>> {
    let query = Query::new(E::COLLECTION).sort(by_due).limit(1);
    let first: Vec<E> = service.store().load_all(&Call::by_part(part).context, &query).await?;
    let now = time(service).await;
    Ok(first.first().map(|first| super::lease::span(now, due_at(first))))
}

/// Reads documents whose `dueAt` has come, the earliest first.
pub(super) async fn due<E: Entity>(
    service: &Service,
    part: SystemActor,
    by_due: &'static Index,
    limit: u32,
) -> Result<Vec<E>> {
    let until = Value::Time(time(service).await.plus(Duration::from_millis(1)));
    let due = Filter::Range { field: "dueAt", from: None, until: Some(until) };
    let query = Query::new(E::COLLECTION).sort(by_due).filter(due).limit(limit);
    Ok(service.store().load_all(&Call::by_part(part).context, &query).await?)
}
