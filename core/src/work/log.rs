//! Sequencing: gives committed events their positions in the log.
//!
//! A change cannot draw its own position: on MongoDB that would make every commit of the platform wait for every other. Events
//! are numbered afterwards instead, in a commit that moves the end of the log under its version, so that any number of
//! workers number without gaps and no event appears before one that a consumer has read.

use std::time::{Duration, Instant};

use super::{cursor, is_overtaken, time};
use crate::{
    context::SystemActor,
    domain::{
        Cursor, Event, OutboxEvent,
        event::CURSORS,
        outbox::{OUTBOX, OUTBOX_BY_AGE},
    },
    error::Result,
    service::{Call, Service},
    store::{Commit, Query, Repository, StoreError},
};

/// Number of events numbered in one commit, for a start.
const BATCH: u32 = 100;

/// Number of events numbered in one commit by a store that is fast.
const LARGEST_BATCH: u32 = 500;

/// Duration of a commit from which the next one is smaller: on MongoDB each change is a round trip.
const SLOW: Duration = Duration::from_millis(150);

/// Maximum number of commits in a call.
const ROUNDS: usize = 64;

/// Moves events from the outbox to the end of the log, until the outbox is empty or 64 commits were made.
///
/// # Errors
/// When the store does not answer, or other workers came first each time.
pub(super) async fn sequence(service: &Service) -> Result<()> {
    let mut obstacle = None;
    let mut batch = BATCH;
    for _ in 0..ROUNDS {
        // Otherwise all but one of the tasks that an event wakes would write in vain.
        let _alone = service.number_alone().await;
        let started = Instant::now();
        match sequence_batch(service, batch).await? {
            Batch::None => return Ok(()),
            Batch::Some => {
                obstacle = None;
                let doubled = batch.saturating_mul(2).min(LARGEST_BATCH);
                batch = if started.elapsed() < SLOW { doubled } else { BATCH };
            }
            Batch::Overtaken(error) => obstacle = Some(error),
        }
    }
    obstacle.map_or(Ok(()), |error| Err(error.into()))
}

/// Result of a batch.
enum Batch {
    /// The outbox is empty.
    None,
    /// Events were numbered, and there may be more.
    Some,
    /// Another worker numbered events at the same time.
    Overtaken(StoreError),
}

async fn sequence_batch(service: &Service, most: u32) -> Result<Batch> {
    let call = Call::by_part(SystemActor::Outbox);
    let reads = [
        Query::unique(&CURSORS, Cursor::key(Cursor::LOG)).into(),
        Query::new(&OUTBOX).sort(&OUTBOX_BY_AGE).limit(most).into(),
    ];
    let mut answers = service.store().load_together(&call.context, &reads).await?;
    let end: Option<Cursor> = answers.first()?;
    let waiting: Vec<OutboxEvent> = answers.all()?;
    if waiting.is_empty() {
        return Ok(Batch::None);
    }
    let now = time(service).await;
    let end = end.unwrap_or_else(|| Cursor::start(Cursor::LOG, now));
    let mut position = end.position;
    let mut commit = Commit::new();
    for event in waiting {
        commit.delete(&event);
        position = position.saturating_add(1);
        commit.insert(&Event::at(position, event))?;
    }
    cursor::advance(&mut commit, end, position, now)?;
    match service.store().commit(&call.context, &commit).await {
        Ok(()) => Ok(Batch::Some),
        Err(error) if is_overtaken(&error) => Ok(Batch::Overtaken(error)),
        Err(error) => Err(error.into()),
    }
}
