//! Removal of what has expired.

use std::time::Duration;

use crate::{
    context::SystemActor,
    domain::{
        AuditDetails, EndedSession, EventDelivery, IdempotencyRecord, Notice, ObjectId,
        audit::AUDIT_DETAILS,
        event_delivery::{DELIVERIES_BY_EXPIRY, EVENT_DELIVERIES},
        idempotency::{IDEMPOTENCY_BY_EXPIRY, IDEMPOTENCY_RECORDS},
        notice::{NOTICES, NOTICES_BY_EXPIRY},
        session::{ENDED_SESSIONS, ENDED_SESSIONS_BY_EXPIRY},
    },
    error::Result,
    service::{Call, Service, moment::Moment},
    store::{Commit, Entity, Filter, Query, Repository},
};

/// Maximum number of records of a kind removed in one round.
const BATCH: u32 = 200;

/// Removes up to 200 records of each kind that has expired: stored answers after 24 hours, records of ended sessions
/// none of whose tokens is accepted any more, notices and deliveries of events, sent or not, and personal values beside audit events that are older than
/// the settings allow.
///
/// Audit events stay. Returns the largest number of one kind; call it again while that is 200.
///
/// # Errors
/// When the store does not answer.
pub async fn forget_expired(service: &Service) -> Result<usize> {
    let answers = Query::new(&IDEMPOTENCY_RECORDS).sort(&IDEMPOTENCY_BY_EXPIRY);
    let sessions = Query::new(&ENDED_SESSIONS).sort(&ENDED_SESSIONS_BY_EXPIRY);
    let notices = Query::new(&NOTICES).sort(&NOTICES_BY_EXPIRY);
    let deliveries = Query::new(&EVENT_DELIVERIES).sort(&DELIVERIES_BY_EXPIRY);
    let answers = forget::<IdempotencyRecord>(service, answers).await?;
    let sessions = forget::<EndedSession>(service, sessions).await?;
    let notices = forget::<Notice>(service, notices).await?;
    let deliveries = forget::<EventDelivery>(service, deliveries).await?;
    Ok(answers.max(sessions).max(notices).max(deliveries).max(forget_details(service).await?))
}

/// Returns `true` if a round that removed so many leaves more to remove.
pub(super) fn leaves_more(removed: usize) -> bool {
    removed >= usize::try_from(BATCH).unwrap_or(usize::MAX)
}

/// Removes personal values beside audit events. Their ids are those of the events, which tell the time.
async fn forget_details(service: &Service) -> Result<usize> {
    let Some(kept) = service.settings().audit_details else { return Ok(0) };
    let call = Call::by_part(SystemActor::Housekeeping);
    service.settle(&call, |moment| try_forget_details(service, &call, moment, kept)).await
}

async fn try_forget_details(service: &Service, call: &Call, moment: Moment, kept: Duration) -> Result<usize> {
    let Ok(seconds) = u32::try_from(moment.now().minus(kept).seconds()) else { return Ok(0) };
    // Without a sort the order is by id, so the oldest come first.
    let mut oldest: Vec<AuditDetails> =
        service.store().load_all(&call.context, &Query::new(&AUDIT_DETAILS).limit(BATCH)).await?;
    oldest.retain(|details| details.id.0 < ObjectId::least_of(seconds));
    remove(service, call, &oldest).await
}

async fn forget<E: Entity>(service: &Service, query: Query) -> Result<usize> {
    let call = Call::by_part(SystemActor::Housekeeping);
    service.settle(&call, |moment| try_forget::<E>(service, &call, moment, query.clone())).await
}

async fn try_forget<E: Entity>(service: &Service, call: &Call, moment: Moment, query: Query) -> Result<usize> {
    let expired = Filter::Range { field: "expiresAt", from: None, until: Some(moment.now().into()) };
    let records: Vec<E> = service.store().load_all(&call.context, &query.filter(expired).limit(BATCH)).await?;
    remove(service, call, &records).await
}

async fn remove<E: Entity>(service: &Service, call: &Call, records: &[E]) -> Result<usize> {
    let mut commit = Commit::new();
    records.iter().for_each(|record| commit.delete(record));
    if !commit.is_empty() {
        match service.store().commit(&call.context, &commit).await {
            // Another process removes or changes them too.
            Err(error) if error.is_conflict() => {}
            outcome => outcome?,
        }
    }
    Ok(records.len())
}
