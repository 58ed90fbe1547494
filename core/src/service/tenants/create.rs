//! Creates a tenant.

use super::{KIND, subject};
use crate::{
    authz::{Action, Resource},
    domain::CreateTenant,
    error::Result,
    service::{
        Call, Service,
        access::check,
        idempotency::{Begun, Replayable},
        moment::Moment,
        unit_of_work::UnitOfWork,
        views::TenantView,
    },
};

impl Service {
    /// Creates a tenant. Platform only.
    ///
    /// # Errors
    /// `slug_taken`, `authentik_group_taken`, `domain_taken`, or `invalid_fields`.
    pub async fn create_tenant(&self, call: &Call, input: CreateTenant) -> Result<Replayable<TenantView>> {
        self.settle(call, |moment| self.try_create_tenant(call, moment, input.clone())).await
    }

    async fn try_create_tenant(
        &self,
        call: &Call,
        moment: Moment,
        input: CreateTenant,
    ) -> Result<Replayable<TenantView>> {
        let caller = self.caller(call).await?;
        let resource = Resource { fields: &input.fields(), ..Resource::default() };
        check(&caller, Action::CreateTenant, &resource)?;
        let slot = match self.begin(call, &moment).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::New(slot) => slot,
        };
        let tenant = input.into_tenant(moment.now())?;
        self.check_group(&tenant)?;
        let mut work = UnitOfWork::new(call, caller.audit_actor(), &moment);
        work.insert(Action::CreateTenant, KIND, subject(&tenant), &tenant)?;
        caller.guard(&mut work);
        let view = self.view_tenant_for_platform(&caller, None, tenant);
        slot.keep(&mut work, 201, &view)?;
        self.carry_out(work).await?;
        Ok(Replayable::new(view))
    }
}
