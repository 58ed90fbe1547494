//! Erases what is left of an erased person: values in the audit trail, activity, and stored answers that show them.

use super::BATCH;
use crate::{
    authz::Action,
    context::SystemActor,
    domain::{
        AuditDetails, Event, IdempotencyRecord, User, UserActivity, UserId,
        audit::{AUDIT_DETAILS, DETAILS_OF_USER},
        idempotency::{IDEMPOTENCY_OF_USER, IDEMPOTENCY_RECORDS},
    },
    error::{Error, Result},
    service::{Call, Service, conflict},
    store::{Commit, Position, Query, Repository, StoreError},
    work::consumer::{Consumer, Follows},
};

pub(in crate::work) const ERASURE: Consumer = Consumer {
    name: "erasure",
    summary: "erases what is left of erased people",
    follows: &[Follows { action: Action::DeleteUser, fields: &[] }],
    notes: &[],
    handle: |service, event| Box::pin(erase(service, event)),
};

async fn erase(service: &Service, event: &Event) -> Result<()> {
    let Some(id) = event.user_id else { return Ok(()) };
    let call = Call::by_part(SystemActor::Outbox);
    let user: Option<User> = service.store().load(&call.context, id).await?;
    // The event is checked against the store: nobody alive is erased because an event is wrong.
    if user.is_some_and(|user| !user.is_deleted()) {
        return Ok(());
    }
    erase_details(service, id).await?;
    erase_activity(service, id).await?;
    erase_answers(service, id).await
}

/// Empties the personal values of the person in the audit trail. The events stay.
async fn erase_details(service: &Service, user: UserId) -> Result<()> {
    let mut after = None;
    loop {
        let call = Call::by_part(SystemActor::Outbox);
        let query =
            Query::new(&AUDIT_DETAILS).sort(&DETAILS_OF_USER).equal("userId", user.0).after(after.clone()).limit(BATCH);
        let details: Vec<AuditDetails> = service.store().load_all(&call.context, &query).await?;
        let mut commit = Commit::new();
        for stored in details.iter().filter(|stored| !stored.values.is_empty()) {
            let emptied =
                AuditDetails { values: Vec::new(), version: stored.version.saturating_add(1), ..stored.clone() };
            commit.update(&emptied, stored.version)?;
        }
        if !commit.is_empty() {
            match service.store().commit(&call.context, &commit).await {
                // Another worker empties them too: read this page again.
                Err(error) if error.is_conflict() => continue,
                outcome => outcome?,
            }
        }
        match details.last() {
            Some(last) if details.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX) => {
                after = Some(Position { values: Vec::new(), id: last.id.0 });
            }
            _ => return Ok(()),
        }
    }
}

async fn erase_activity(service: &Service, user: UserId) -> Result<()> {
    let call = Call::by_part(SystemActor::Outbox);
    service
        .settle(&call, |_| async {
            let activity: Option<UserActivity> = service.store().load(&call.context, user).await?;
            let Some(activity) = activity else { return Ok(()) };
            let mut commit = Commit::new();
            commit.delete(&activity);
            service.store().commit(&call.context, &commit).await.map_err(settled)
        })
        .await
}

/// Removes the stored answers that show the person.
async fn erase_answers(service: &Service, user: UserId) -> Result<()> {
    loop {
        let call = Call::by_part(SystemActor::Outbox);
        let query = Query::new(&IDEMPOTENCY_RECORDS).sort(&IDEMPOTENCY_OF_USER).equal("userId", user.0).limit(BATCH);
        let records: Vec<IdempotencyRecord> = service.store().load_all(&call.context, &query).await?;
        if records.is_empty() {
            return Ok(());
        }
        let mut commit = Commit::new();
        records.iter().for_each(|record| commit.delete(record));
        match service.store().commit(&call.context, &commit).await {
            // Expired ones were removed meanwhile: look again.
            Err(error) if error.is_conflict() => {}
            outcome => outcome?,
        }
    }
}

/// Turns a conflict into one that `settle` retries.
fn settled(error: StoreError) -> Error {
    if error.is_conflict() { conflict(error) } else { error.into() }
}
