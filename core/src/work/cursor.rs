//! Cursors: reading them, moving them, and trimming what all of them have passed.

use std::time::Duration;

use super::time;
use crate::{
    clock::Timestamp,
    context::SystemActor,
    domain::{
        Cursor, Event,
        event::{CURSORS, EVENTS, EVENTS_IN_ORDER},
    },
    error::Result,
    service::{Call, Service},
    store::{Commit, Filter, Query, Repository, StoreResult, Value},
};

/// Time after which the cursor of a consumer that this release does not know no longer keeps events.
///
/// It lets a later release run beside this one during an upgrade, and a removed consumer keep nothing for ever.
const ABANDONED_AFTER: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Maximum number of cursors; their names are declared in code.
const MOST_CURSORS: u32 = 200;

/// Maximum number of events removed in one commit.
const BATCH: u32 = 200;

/// Returns the cursor of a consumer, or one before the first event.
pub(super) async fn load(service: &Service, call: &Call, name: &str, now: Timestamp) -> StoreResult<Cursor> {
    let stored = service.store().load_unique(&call.context, Cursor::key(name)).await?;
    Ok(stored.unwrap_or_else(|| Cursor::start(name, now)))
}

/// Adds the move of a cursor to a commit. The commit conflicts if another worker has moved it meanwhile.
pub(super) fn advance(commit: &mut Commit, mut cursor: Cursor, position: u64, now: Timestamp) -> StoreResult<()> {
    let stored = cursor.version;
    cursor.version = stored.saturating_add(1);
    cursor.position = position;
    cursor.moved_at = now;
    if stored == 0 { commit.insert(&cursor) } else { commit.update(&cursor, stored) }
}

/// Removes events that every consumer has passed and that are old enough, up to 200. Returns how many there were.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn trim(service: &Service, consumers: &[&str]) -> Result<usize> {
    let call = Call::by_part(SystemActor::Outbox);
    let now = time(service).await;
    let cursors: Vec<Cursor> =
        service.store().load_all(&call.context, &Query::new(&CURSORS).limit(MOST_CURSORS)).await?;
    let Some(passed) = passed_by_all(&cursors, consumers, now) else { return Ok(0) };
    let query = Query::new(&EVENTS)
        .sort(&EVENTS_IN_ORDER)
        .filter(Filter::Range { field: "sequence", from: None, until: Some(bound(passed.saturating_add(1))) })
        .limit(BATCH);
    let mut events: Vec<Event> = service.store().load_all(&call.context, &query).await?;
    let kept = service.settings().event_retention;
    events.retain(|event| event.created_at.plus(kept) <= now);
    if events.is_empty() {
        return Ok(0);
    }
    let mut commit = Commit::new();
    events.iter().for_each(|event| commit.delete(event));
    match service.store().commit(&call.context, &commit).await {
        // Another worker trims the log too.
        Err(error) if error.is_conflict() => Ok(0),
        outcome => Ok(outcome.map(|()| events.len())?),
    }
}

/// Returns a sequence number as a bound of a query.
pub(super) fn bound(sequence: u64) -> Value {
    Value::Integer(i64::try_from(sequence).unwrap_or(i64::MAX))
}

/// Returns the last position that all consumers have passed; none if one of them has not begun.
fn passed_by_all(cursors: &[Cursor], consumers: &[&str], now: Timestamp) -> Option<u64> {
    let position = |name: &str| cursors.iter().find(|cursor| cursor.name == name).map(|cursor| cursor.position);
    let known = consumers.iter().try_fold(u64::MAX, |least, name| Some(least.min(position(name)?)))?;
    let foreign = cursors.iter().filter(|cursor| {
        cursor.name != Cursor::LOG
            && !consumers.contains(&cursor.name.as_str())
            && cursor.moved_at.plus(ABANDONED_AFTER) > now
    });
    let passed = foreign.fold(known, |least, cursor| least.min(cursor.position));
    (passed > 0 && passed < u64::MAX).then_some(passed)
}
