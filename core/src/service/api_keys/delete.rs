//! Revokes an API key.

use super::{KIND, check_seen, subject};
use crate::{
    authz::Action,
    domain::{ApiKeyId, api_key::API_KEY_USES},
    error::Result,
    service::{Call, Service, moment::Moment, unit_of_work::UnitOfWork},
    store::Expectation,
};

impl Service {
    /// Revokes an API key. Its next request is refused.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient` or `version_changed`.
    pub async fn delete_api_key(&self, call: &Call, id: ApiKeyId) -> Result<()> {
        self.settle(call, |moment| self.try_delete_api_key(call, moment, id)).await
    }

    async fn try_delete_api_key(&self, call: &Call, moment: Moment, id: ApiKeyId) -> Result<()> {
        let (access, key) = self.key_access(call, id, Action::DeleteApiKey, &[]).await?;
        let last = self.last_use(call, id).await?;
        check_seen(call, &access, &key, last.as_ref())?;
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        work.delete(Action::DeleteApiKey, KIND, subject(&key), &key)?;
        match &last {
            Some(last) => work.commit.delete(last),
            // Otherwise a use that is stored meanwhile would stay.
            None => work.commit.expect(&API_KEY_USES, id.0, Expectation::Absent),
        }
        access.guard(&mut work);
        self.carry_out(work).await
    }
}
