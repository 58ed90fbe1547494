//! Changes a tenant.

use super::{KIND, subject};
use crate::{
    authz::{Action, TargetFacts},
    domain::UpdateTenant,
    error::Result,
    service::{
        Call, Service,
        access::TenantReference,
        moment::Moment,
        unit_of_work::UnitOfWork,
        views::{TenantView, check_if_match},
    },
};

impl Service {
    /// Changes a tenant. The policy restricts which fields a caller may set.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `field_forbidden`, `tenant_suspended`, `version_changed`, a taken key or
    /// `invalid_fields`.
    pub async fn update_tenant(
        &self,
        call: &Call,
        reference: &TenantReference,
        input: UpdateTenant,
    ) -> Result<TenantView> {
        self.settle(call, |moment| self.try_update_tenant(call, moment, reference, input.clone())).await
    }

    async fn try_update_tenant(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        input: UpdateTenant,
    ) -> Result<TenantView> {
        let access = self.tenant_access(call, reference).await?;
        let before = access.authorize_with(Action::UpdateTenant, TargetFacts::default(), &input.fields())?;
        check_if_match(call, &self.view_tenant(&access, before.clone()))?;
        let mut after = before.clone();
        input.apply(&mut after)?;
        self.check_group(&after)?;
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        if work.update(Action::UpdateTenant, KIND, subject(before), before, &mut after)? {
            access.guard(&mut work);
            self.carry_out(work).await?;
        }
        Ok(self.view_tenant(&access, after))
    }
}
