//! The bearer of an API key: reads and admits the key, and notes its use.

use crate::{
    context::{Caller, Presentation},
    domain::{
        ApiKey, ApiKeyUse,
        api_key::{API_KEY_USES, API_KEYS, PresentedKey, USE_INTERVAL},
    },
    error::{Code, Error, Result},
    service::{Call, Service, access::FoundCaller, effect::ELSEWHERE, moment::Moment},
    store::{Commit, Query, Read, StoreError, StoreResult},
};

/// The key of a caller, as far as it is admitted, and its last use.
#[derive(Debug, Clone)]
pub(crate) struct FoundKey {
    pub(crate) key: Result<ApiKey, KeyRefusal>,
    pub(crate) last_use: Option<ApiKeyUse>,
}

/// The reason to refuse a key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyRefusal {
    /// There is none of this id with this secret.
    Unknown,
    /// It has expired.
    Expired,
    /// It is not accepted from the client's address.
    Address,
}

impl From<KeyRefusal> for Error {
    fn from(refusal: KeyRefusal) -> Self {
        match refusal {
            KeyRefusal::Unknown => {
                let message = "no API key is in force with this secret: it was revoked or rotated, or is incomplete";
                Self::new(Code::API_KEY_UNKNOWN, message)
            }
            KeyRefusal::Expired => {
                Self::new(Code::API_KEY_EXPIRED, "the API key has expired: change its `expiresAt`, or use another")
            }
            KeyRefusal::Address => {
                let message = "the API key is not accepted from this address: see its `networks`";
                Self::new(Code::API_KEY_ADDRESS_REFUSED, message)
            }
        }
    }
}

/// Returns the reads of a presented key and of its last use.
pub(crate) fn key_reads(key: &PresentedKey) -> [Read; 2] {
    [
        Query::new(&API_KEYS).equal("id", key.id.0).limit(1).into(),
        Query::new(&API_KEY_USES).equal("id", key.id.0).limit(1).into(),
    ]
}

impl Service {
    /// Compares a presented key with the stored one. A wrong secret and an unknown id are refused alike.
    pub(crate) fn admit_key(
        &self,
        call: &Call,
        presented: &PresentedKey,
        stored: Option<ApiKey>,
    ) -> Result<ApiKey, KeyRefusal> {
        let has_passed = |time| self.clock.has_passed(time);
        let key = stored.filter(|key| key.is(presented, has_passed)).ok_or(KeyRefusal::Unknown)?;
        if key.expires_at.is_some_and(has_passed) {
            return Err(KeyRefusal::Expired);
        }
        if !key.is_accepted_from(call.context.client_address) {
            return Err(KeyRefusal::Address);
        }
        let caller = Caller::ApiKey(key.id.to_string());
        call.context.presented.note(Presentation::Verified(caller));
        Ok(key)
    }

    /// Stores that an admitted key was used, at most every [`USE_INTERVAL`].
    ///
    /// The request itself does not depend on it: a failure is logged, and the next use stores it.
    pub(crate) async fn note_use(&self, call: &Call, found: &FoundCaller) {
        let Some(FoundKey { key: Ok(key), last_use }) = &found.key else { return };
        let recent = |last: &ApiKeyUse| !self.clock.has_passed(last.last_used_at.plus(USE_INTERVAL));
        if ELSEWHERE || last_use.as_ref().is_some_and(recent) {
            return;
        }
        let noted = self.attempt(|moment| self.store_use(call, moment, key, last_use.as_ref())).await;
        match noted {
            // Another request has stored the same use.
            Err(error) if error.is_conflict() || matches!(error, StoreError::DuplicateKey { .. }) => {}
            Err(error) => tracing::warn!(%error, key = %key.id, "the use of an API key could not be stored"),
            Ok(()) => {}
        }
    }

    async fn store_use(&self, call: &Call, moment: Moment, key: &ApiKey, last: Option<&ApiKeyUse>) -> StoreResult<()> {
        let version = last.map_or(1, |last| last.version + 1);
        let now = ApiKeyUse { id: key.id, version, tenant_id: key.tenant_id, last_used_at: moment.now() };
        let mut commit = Commit::new();
        match last {
            Some(last) => commit.update(&now, last.version)?,
            None => commit.insert(&now)?,
        }
        // A use is not stored for a key that was revoked meanwhile.
        commit.guard(key);
        self.store.commit(&call.context, &commit).await
    }
}
