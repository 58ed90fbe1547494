//! Consumers: named pieces of work that follow the event log.

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};

use super::{consumers, cursor, is_overtaken, log, time};
use crate::{
    authz::Action,
    clock::Timestamp,
    context::SystemActor,
    domain::{
        Cursor, DeferredEvent, Event, OutboxEvent,
        event::{DEFERRED_BY_DUE, DEFERRED_EVENTS, EVENTS, EVENTS_IN_ORDER},
        outbox::{OUTBOX, OUTBOX_BY_AGE},
    },
    error::{Error, Result},
    service::{Call, Service},
    store::{Commit, Filter, Query, Read, Repository},
};

/// Maximum number of events in one step.
const BATCH: u32 = 100;

/// Number of events of a step that are worked on at a time.
const AT_A_TIME: usize = 8;

/// Wait before the first retry of a deferred event. It doubles with each failure.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// Maximum wait before a retry.
const LONGEST_RETRY: Duration = Duration::from_secs(15 * 60);

/// An action whose events a consumer follows.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Follows {
    /// The action.
    pub action: Action,
    /// Fields of which one must have changed. Without fields, every event of the action counts.
    pub fields: &'static [&'static str],
}

/// A note of controllers that a consumer follows.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Noted {
    /// Its name in the audit trail.
    pub name: &'static str,
    /// Names of what was done, of which one must be among those of the note.
    pub done: &'static [&'static str],
}

/// Handler of one event. It may be done twice, and fails as a whole.
type Handler = for<'a> fn(&'a Service, &'a Event) -> BoxFuture<'a, Result<()>>;

/// A consumer of the event log.
#[derive(Debug)]
#[non_exhaustive]
pub struct Consumer {
    /// Name of its cursor and of its task.
    pub name: &'static str,
    /// Work that it does, in one clause.
    pub summary: &'static str,
    /// Events that it follows. It passes over all others.
    pub follows: &'static [Follows],
    /// Notes that it follows as well.
    pub notes: &'static [Noted],
    pub(super) handle: Handler,
}

/// All consumers.
pub static CONSUMERS: &[Consumer] = &[
    consumers::COPIES,
    consumers::ERASURE,
    consumers::CANCELLATION,
    consumers::BILLING,
    consumers::DIRECTORIES,
    consumers::DOMAINS,
    consumers::WORKSPACE,
    consumers::NOTICES,
];

/// Events that wait for a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Backlog {
    /// Number of events that it has yet to deal with, counted up to 200.
    pub waiting: usize,
    /// Number of events that failed and wait for a retry, counted up to 100.
    pub deferred: usize,
    /// Time of the oldest of them.
    pub oldest: Option<Timestamp>,
    /// Time of the next retry.
    pub retry_at: Option<Timestamp>,
    /// `true` if a step has something to do now.
    pub due: bool,
}

/// Result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// Number of events dealt with.
    pub(super) done: usize,
    /// `true` if more may wait.
    pub(super) more: bool,
}

impl Consumer {
    /// Returns `true` if it follows events of this action that changed these fields.
    #[must_use]
    pub fn follows(&self, action: &str, changed: &[String]) -> bool {
        let among = |names: &[&str]| changed.iter().any(|name| names.contains(&name.as_str()));
        let follows = |one: &Follows| one.action.name() == action && (one.fields.is_empty() || among(one.fields));
        self.follows.iter().any(follows) || self.notes.iter().any(|one| one.name == action && among(one.done))
    }

    /// Returns what waits for it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn backlog(&self, service: &Service) -> Result<Backlog> {
        let call = Call::by_part(SystemActor::Outbox);
        let now = time(service).await;
        let cursor = cursor::load(service, &call, self.name, now).await?;
        let reads: [Read; 3] = [
            Query::new(&OUTBOX).sort(&OUTBOX_BY_AGE).limit(BATCH).into(),
            after(&cursor).into(),
            self.deferred().into(),
        ];
        let mut answers = service.store().load_together(&call.context, &reads).await?;
        let unnumbered: Vec<OutboxEvent> = answers.all()?;
        let events: Vec<Event> = answers.all()?;
        let deferred: Vec<DeferredEvent> = answers.all()?;
        let waiting = unnumbered
            .iter()
            .filter(|event| self.follows(&event.action, &event.changed_fields))
            .map(|event| event.created_at)
            .chain(
                events
                    .iter()
                    .filter(|event| self.follows(&event.action, &event.changed_fields))
                    .map(|event| event.created_at),
            );
        let oldest = waiting.clone().chain(deferred.iter().map(|event| event.created_at)).min();
        let waiting = waiting.count();
        let retry_at = deferred.first().map(|event| event.due_at);
        let due = waiting > 0
            || !unnumbered.is_empty()
            || is_full(events.len())
            || retry_at.is_some_and(|due_at| due_at <= now);
        Ok(Backlog { waiting, deferred: deferred.len(), oldest, retry_at, due })
    }

    /// Numbers new events, retries those that are due, and deals with the next events of the log.
    ///
    /// # Errors
    /// When the store does not answer. An event whose own work fails is deferred instead.
    pub(super) async fn step(&self, service: &Service) -> Result<Step> {
        log::sequence(service).await?;
        let retried = self.retry(service).await?;
        let followed = self.follow(service).await?;
        Ok(Step { done: retried + followed.done, more: followed.more })
    }

    /// Deals with the next events of the log, then moves the cursor.
    async fn follow(&self, service: &Service) -> Result<Step> {
        let call = Call::by_part(SystemActor::Outbox);
        let now = time(service).await;
        let cursor = cursor::load(service, &call, self.name, now).await?;
        let events: Vec<Event> = service.store().load_all(&call.context, &after(&cursor)).await?;
        let Some(last) = events.last().map(|event| event.sequence) else { return Ok(Step { done: 0, more: false }) };
        let more = is_full(events.len());
        let mut commit = Commit::new();
        let (mut done, mut concerned) = (0, false);
        let mut handling: Vec<BoxFuture<'_, (&Event, Result<()>)>> = Vec::new();
        for event in events.iter().filter(|event| self.follows(&event.action, &event.changed_fields)) {
            handling.push((self.handle)(service, event).map(move |outcome| (event, outcome)).boxed());
        }
        // Work never rests on the order of two events.
        let mut handled = stream::iter(handling).buffer_unordered(AT_A_TIME);
        while let Some((event, outcome)) = handled.next().await {
            concerned = true;
            match outcome {
                Ok(()) => done += 1,
                Err(error) => {
                    tracing::warn!(consumer = self.name, action = event.action, id = %event.id, ?error, "an event is deferred");
                    let due_at = time(service).await.plus(FIRST_RETRY);
                    commit.insert(&DeferredEvent::new(self.name, event, due_at, shown(&error)))?;
                }
            }
        }
        // A cursor that only passed over a few events stays until the log is trimmed: writing each move would double the
        // writes of the platform.
        if concerned || more {
            // The work may have taken long: moving the cursor has a deadline of its own.
            let call = Call::by_part(SystemActor::Outbox);
            let now = time(service).await;
            cursor::advance(&mut commit, cursor, last, now)?;
            match service.store().commit(&call.context, &commit).await {
                // Another worker moved the cursor meanwhile and did the same work: go on from there.
                Err(error) if is_overtaken(&error) => return Ok(Step { done: 0, more: true }),
                outcome => outcome?,
            }
        }
        Ok(Step { done, more })
    }

    /// Moves the cursor past the events up to the next one that it follows.
    async fn pass_over(&self, service: &Service) -> Result<()> {
        let call = Call::by_part(SystemActor::Outbox);
        let now = time(service).await;
        let cursor = cursor::load(service, &call, self.name, now).await?;
        let events: Vec<Event> = service.store().load_all(&call.context, &after(&cursor)).await?;
        let others = events.iter().take_while(|event| !self.follows(&event.action, &event.changed_fields));
        let Some(last) = others.last().map(|event| event.sequence) else { return Ok(()) };
        let mut commit = Commit::new();
        cursor::advance(&mut commit, cursor, last, now)?;
        match service.store().commit(&call.context, &commit).await {
            // A worker moves it too.
            Err(error) if is_overtaken(&error) => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// Retries the deferred events that are due. Returns how many succeeded.
    async fn retry(&self, service: &Service) -> Result<usize> {
        let call = Call::by_part(SystemActor::Outbox);
        let now = time(service).await;
        let due = Filter::Range { field: "dueAt", from: None, until: Some(now.plus(Duration::from_millis(1)).into()) };
        let events: Vec<DeferredEvent> = service.store().load_all(&call.context, &self.deferred().filter(due)).await?;
        let mut done = 0;
        for deferred in events {
            let mut commit = Commit::new();
            match (self.handle)(service, &deferred.event()).await {
                Ok(()) => {
                    done += 1;
                    commit.delete(&deferred);
                }
                Err(error) => {
                    tracing::debug!(consumer = self.name, id = %deferred.event_id, ?error, "an event is deferred again");
                    let now = time(service).await;
                    let mut again = deferred.clone();
                    again.version = again.version.saturating_add(1);
                    again.attempts = again.attempts.saturating_add(1);
                    again.due_at = now.plus(wait_after(again.attempts));
                    again.last_error = shown(&error);
                    commit.update(&again, deferred.version)?;
                }
            }
            let call = Call::by_part(SystemActor::Outbox);
            match service.store().commit(&call.context, &commit).await {
                // Another worker retried it too.
                Err(error) if error.is_conflict() => {}
                outcome => outcome?,
            }
        }
        Ok(done)
    }

    /// Returns the query of its deferred events, those due first at the front.
    fn deferred(&self) -> Query {
        Query::new(&DEFERRED_EVENTS).sort(&DEFERRED_BY_DUE).equal("consumer", self.name).limit(BATCH)
    }
}

/// Runs all consumers until none has anything to do now, and trims the log. Returns how many events were dealt with.
///
/// For tests and tools; a process that stays has a [driver](super::driver).
///
/// # Errors
/// When the store does not answer.
pub async fn catch_up(service: &Service) -> Result<usize> {
    let mut done = 0;
    for consumer in CONSUMERS {
        loop {
            let step = consumer.step(service).await?;
            done += step.done;
            // What was done may have made events of its own.
            if step.done == 0 && !step.more {
                break;
            }
        }
    }
    while trim(service).await? > 0 {}
    Ok(done)
}

/// Removes events that all consumers have passed, up to 200. Returns how many there were.
pub(super) async fn trim(service: &Service) -> Result<usize> {
    for consumer in CONSUMERS {
        consumer.pass_over(service).await?;
    }
    let names: Vec<&str> = CONSUMERS.iter().map(|consumer| consumer.name).collect();
    cursor::trim(service, &names).await
}

/// Returns the query of the events after a cursor.
pub(super) fn after(cursor: &Cursor) -> Query {
    let next = cursor::bound(cursor.position.saturating_add(1));
    let rest = Filter::Range { field: "sequence", from: Some(next), until: None };
    Query::new(&EVENTS).sort(&EVENTS_IN_ORDER).filter(rest).limit(BATCH)
}

/// Returns `true` if so many events may not be all.
pub(super) fn is_full(length: usize) -> bool {
    length >= usize::try_from(BATCH).unwrap_or(usize::MAX)
}

fn wait_after(attempts: u32) -> Duration {
    FIRST_RETRY
        .saturating_mul(1_u32.checked_shl(attempts.saturating_sub(1).min(16)).unwrap_or(u32::MAX))
        .min(LONGEST_RETRY)
}

/// Formats an error for the store: its code and public message, not its cause.
fn shown(error: &Error) -> String {
    format!("{}: {}", error.code(), error.message())
}
