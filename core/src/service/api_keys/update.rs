//! Changes an API key.

use super::{KIND, check_giver, check_scopes, check_seen, subject, view};
use crate::{
    authz::Action,
    domain::{ApiKeyId, ApiKeyView, Patch, UpdateApiKey},
    error::Result,
    service::{Call, Service, moment::Moment, unit_of_work::UnitOfWork},
};

impl Service {
    /// Changes the name, scopes, networks or expiry of an API key, from the next request on.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `tenant_suspended`, `version_changed` or `invalid_fields`.
    pub async fn update_api_key(&self, call: &Call, id: ApiKeyId, input: UpdateApiKey) -> Result<ApiKeyView> {
        self.settle(call, |moment| self.try_update_api_key(call, moment, id, input.clone())).await
    }

    async fn try_update_api_key(
        &self,
        call: &Call,
        moment: Moment,
        id: ApiKeyId,
        input: UpdateApiKey,
    ) -> Result<ApiKeyView> {
        let (access, before) = self.key_access(call, id, Action::UpdateApiKey, &input.fields()).await?;
        let last = self.last_use(call, id).await?;
        check_seen(call, &access, &before, last.as_ref())?;
        let mut after = before.clone();
        // Scopes that no action has any more stay until they are set again.
        let sets_scopes = !matches!(input.scopes, Patch::Keep);
        input.apply(&mut after);
        if sets_scopes {
            check_scopes(&after.scopes, after.tenant_id.is_none())?;
            check_giver(&access, &after.scopes)?;
        }
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        work.update(Action::UpdateApiKey, KIND, subject(&before), &before, &mut after)?;
        access.guard(&mut work);
        self.carry_out(work).await?;
        Ok(view(&access, after, last.as_ref(), None))
    }
}
