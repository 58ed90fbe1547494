//! Forgetting what has expired.

use crate::{
    domain::{
        IdempotencyRecord,
        idempotency::{IDEMPOTENCY_BY_EXPIRY, IDEMPOTENCY_RECORDS},
    },
    error::Result,
    service::{Call, Service},
    store::{Commit, Filter, Query, Repository},
};

/// How many records one round removes.
const BATCH: u32 = 200;

impl Service {
    /// Removes stored answers whose 24 hours have passed: up to 200, and returns how many. Call it again while it
    /// returns as many.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forget_expired(&self) -> Result<usize> {
        let call = Call::by_system("housekeeping");
        let query = Query::new(&IDEMPOTENCY_RECORDS)
            .sort(&IDEMPOTENCY_BY_EXPIRY)
            .filter(Filter::Range { field: "expiresAt", from: None, until: Some(self.now().into()) })
            .limit(BATCH);
        let records: Vec<IdempotencyRecord> = self.store.load_all(&call.context, &query).await?;
        let mut commit = Commit::new();
        records.iter().for_each(|record| commit.delete(record));
        if !commit.is_empty() {
            match self.store.commit(&call.context, &commit).await {
                // Somebody else removes them too.
                Err(error) if error.is_conflict() => {}
                outcome => outcome?,
            }
        }
        Ok(records.len())
    }
}
