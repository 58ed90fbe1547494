//! `Idempotency-Key`: a repeated request takes effect once and gets the same answer.

use std::{fmt, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::{Call, IdempotencyRequest, Service, effect::ELSEWHERE, moment::Moment, unit_of_work::UnitOfWork};
use crate::{
    domain::{IdempotencyRecord, IdempotencyRecordId, UserId},
    error::{Code, Error, Result},
    store::Repository,
};

/// An answer that may be replayed from an earlier request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replayable<T> {
    /// The answer.
    pub value: T,
    /// `true` if an earlier request had the effect and its answer is replayed.
    pub replayed: bool,
}

impl<T> Replayable<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { value, replayed: false }
    }
}

/// The state of a request when it begins.
pub(crate) enum Begun<T> {
    /// It was answered before.
    Before(Replayable<T>),
    /// It is new; its answer is stored in its commit.
    New(Slot),
}

/// The slot in which the answer of a new request will be stored.
pub(crate) struct Slot(Option<Claim>);

struct Claim {
    key: String,
    body_hash: String,
    expired: Option<IdempotencyRecord>,
    user_id: Option<UserId>,
}

/// Retention of stored answers.
const KEPT: Duration = Duration::from_secs(24 * 3_600);

/// Returns the error for a repeated request whose answer had a secret, which is not stored with the answer.
pub(crate) fn shown_once(of: &dyn fmt::Display, otherwise: &str) -> Error {
    let message = format!(
        "this `Idempotency-Key` was used for `{of}` before, and the secret was shown once: if it is lost, {otherwise} with a new key"
    );
    Error::new(Code::SECRET_SHOWN_ONCE, message)
}

fn hexadecimal(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // A fixed width on every target, so that a component computes the same keys as the native router.
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

impl IdempotencyRequest {
    /// Returns the storage key of the answer, unique for caller, method, path and key.
    #[must_use]
    fn stored_key(&self, call: &Call) -> String {
        hexadecimal(&[call.caller_identity().as_bytes(), self.target.as_bytes(), self.key.as_bytes()])
    }
}

impl Slot {
    /// Marks the answer as showing this person, so that it is removed when they are erased.
    pub(crate) fn showing(mut self, user: UserId) -> Self {
        if let Some(claim) = &mut self.0 {
            claim.user_id = Some(user);
        }
        self
    }

    /// Adds the answer to the work.
    ///
    /// It precedes all other changes, so that the second of two equal requests fails on it.
    pub(crate) fn keep<T: Serialize>(self, work: &mut UnitOfWork<'_>, status: u16, value: &T) -> Result<()> {
        let Some(claim) = self.0.filter(|_| !ELSEWHERE) else { return Ok(()) };
        let record = IdempotencyRecord {
            id: IdempotencyRecordId::generate(),
            version: 1,
            key: claim.key,
            body_hash: claim.body_hash,
            user_id: claim.user_id,
            status,
            response: serde_json::to_string(value).map_err(|error| Error::internal(error.to_string()))?,
            expires_at: work.now().plus(KEPT),
        };
        let mut first = crate::store::Commit::new();
        if let Some(expired) = &claim.expired {
            first.delete(expired);
        }
        first.insert(&record)?;
        work.commit.changes.splice(0..0, first.changes);
        Ok(())
    }
}

impl Service {
    /// Looks for an earlier answer. Call it once the request is authorized.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] with `idempotency_key_reused` when the earlier request had a different body.
    pub(super) async fn begin<T: DeserializeOwned>(&self, call: &Call, moment: &Moment) -> Result<Begun<T>> {
        let Some(request) = &call.idempotency else { return Ok(Begun::New(Slot(None))) };
        // The process that carries requests out knows which were answered before.
        self.leave_to_effect(call).await?;
        if ELSEWHERE {
            return Ok(Begun::New(Slot(None)));
        }
        let key = request.stored_key(call);
        let body_hash = hexadecimal(&[&request.body]);
        let unique = IdempotencyRecord::unique_key(&key);
        let record: Option<IdempotencyRecord> = self.store.load_unique(&call.context, unique).await?;
        match record {
            Some(record) if record.expires_at > moment.now() => {
                if record.body_hash != body_hash {
                    return Err(Error::new(
                        Code::IDEMPOTENCY_KEY_REUSED,
                        "this `Idempotency-Key` came with another body before: use a new key for a new request",
                    ));
                }
                let value = serde_json::from_str(&record.response)
                    .map_err(|error| Error::internal(format!("a stored answer cannot be read: {error}")))?;
                Ok(Begun::Before(Replayable { value, replayed: true }))
            }
            expired => Ok(Begun::New(Slot(Some(Claim { key, body_hash, expired, user_id: None })))),
        }
    }
}
