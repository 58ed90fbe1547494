//! Forgetting what has expired.

use crate::{
    domain::{
        EndedSession, IdempotencyRecord,
        idempotency::{IDEMPOTENCY_BY_EXPIRY, IDEMPOTENCY_RECORDS},
        session::{ENDED_SESSIONS, ENDED_SESSIONS_BY_EXPIRY},
    },
    error::Result,
    service::{Call, Service},
    store::{Commit, Entity, Filter, Query, Repository},
};

/// How many records of a kind one round removes.
const BATCH: u32 = 200;

impl Service {
    /// Removes stored answers whose 24 hours have passed, and records of ended sessions of which no token can be used
    /// any more: up to 200 of each. Returns how many there were of the kind that has more. Call it again while it
    /// returns 200.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forget_expired(&self) -> Result<usize> {
        let answers = Query::new(&IDEMPOTENCY_RECORDS).sort(&IDEMPOTENCY_BY_EXPIRY);
        let sessions = Query::new(&ENDED_SESSIONS).sort(&ENDED_SESSIONS_BY_EXPIRY);
        let answers = self.forget::<IdempotencyRecord>(answers).await?;
        Ok(answers.max(self.forget::<EndedSession>(sessions).await?))
    }

    /// Removes what a query names and has expired.
    async fn forget<E: Entity>(&self, query: Query) -> Result<usize> {
        let call = Call::by_system("housekeeping");
        let expired = Filter::Range { field: "expiresAt", from: None, until: Some(self.now().into()) };
        let records: Vec<E> = self.store.load_all(&call.context, &query.filter(expired).limit(BATCH)).await?;
        let mut commit = Commit::new();
        records.iter().for_each(|record| commit.delete(record));
        if !commit.is_empty() {
            match self.store.commit(&call.context, &commit).await {
                // Somebody else removes or changes them too.
                Err(error) if error.is_conflict() => {}
                outcome => outcome?,
            }
        }
        Ok(records.len())
    }
}
