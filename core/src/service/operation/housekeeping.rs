//! Removes expired records.

use std::time::Duration;

use crate::{
    context::SystemActor,
    domain::{
        AuditDetails, EndedSession, IdempotencyRecord, ObjectId,
        audit::AUDIT_DETAILS,
        idempotency::{IDEMPOTENCY_BY_EXPIRY, IDEMPOTENCY_RECORDS},
        session::{ENDED_SESSIONS, ENDED_SESSIONS_BY_EXPIRY},
    },
    error::Result,
    service::{Call, Service, moment::Moment},
    store::{Commit, Entity, Filter, Query, Repository},
};

/// Number of records of a kind that one round removes.
const BATCH: u32 = 200;

impl Service {
    /// Removes expired records: up to 200 of each kind. Call it again while it returns 200.
    ///
    /// These are stored answers after their 24 hours, records of ended sessions without usable tokens, and personal
    /// values beside audit events that are past their retention period. The audit events themselves stay. Returns the
    /// number removed of the kind with the most.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forget_expired(&self) -> Result<usize> {
        let answers = Query::new(&IDEMPOTENCY_RECORDS).sort(&IDEMPOTENCY_BY_EXPIRY);
        let sessions = Query::new(&ENDED_SESSIONS).sort(&ENDED_SESSIONS_BY_EXPIRY);
        let answers = self.forget::<IdempotencyRecord>(answers).await?;
        let sessions = self.forget::<EndedSession>(sessions).await?;
        Ok(answers.max(sessions).max(self.forget_details().await?))
    }

    /// Removes personal values past their retention period. They share the ids of their events, which contain the time.
    async fn forget_details(&self) -> Result<usize> {
        let Some(kept) = self.settings.audit_details else { return Ok(0) };
        let call = Call::by_part(SystemActor::Housekeeping);
        self.settle(&call, |moment| self.try_forget_details(&call, moment, kept)).await
    }

    async fn try_forget_details(&self, call: &Call, moment: Moment, kept: Duration) -> Result<usize> {
        let Ok(seconds) = u32::try_from(moment.now().minus(kept).seconds()) else { return Ok(0) };
        // By id, and therefore the oldest first.
        let mut oldest: Vec<AuditDetails> =
            self.store.load_all(&call.context, &Query::new(&AUDIT_DETAILS).limit(BATCH)).await?;
        oldest.retain(|details| details.id.0 < ObjectId::least_of(seconds));
        self.remove(call, &oldest).await
    }

    /// Removes the expired documents that a query finds.
    async fn forget<E: Entity>(&self, query: Query) -> Result<usize> {
        let call = Call::by_part(SystemActor::Housekeeping);
        self.settle(&call, |moment| self.try_forget::<E>(&call, moment, query.clone())).await
    }

    async fn try_forget<E: Entity>(&self, call: &Call, moment: Moment, query: Query) -> Result<usize> {
        let expired = Filter::Range { field: "expiresAt", from: None, until: Some(moment.now().into()) };
        let records: Vec<E> = self.store.load_all(&call.context, &query.filter(expired).limit(BATCH)).await?;
        self.remove(call, &records).await
    }

    async fn remove<E: Entity>(&self, call: &Call, records: &[E]) -> Result<usize> {
        let mut commit = Commit::new();
        records.iter().for_each(|record| commit.delete(record));
        if !commit.is_empty() {
            match self.store.commit(&call.context, &commit).await {
                // Another process removes or changes them too.
                Err(error) if error.is_conflict() => {}
                outcome => outcome?,
            }
        }
        Ok(records.len())
    }
}
