//! Creating a tenant.

use super::{KIND, subject};
use crate::{
    authz::{Action, Resource},
    domain::CreateTenant,
    error::Result,
    service::{
        Call, Service,
        access::check,
        idempotency::{Answer, Begun},
        views::TenantView,
        work::Work,
    },
};

impl Service {
    /// Creates a tenant. For the platform.
    ///
    /// # Errors
    /// `slug_taken`, `authentik_group_taken`, `domain_taken`, or `invalid_fields`.
    pub async fn create_tenant(&self, call: &Call, input: CreateTenant) -> Result<Answer<TenantView>> {
        self.settle(call, || self.try_create_tenant(call, input.clone())).await
    }

    async fn try_create_tenant(&self, call: &Call, input: CreateTenant) -> Result<Answer<TenantView>> {
        let caller = self.caller(call).await?;
        let resource = Resource { fields: input.fields(), ..Resource::default() };
        check(&caller, Action::CreateTenant, &resource)?;
        let slot = match self.begin(call).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::New(slot) => slot,
        };
        let tenant = input.into_tenant(self.now())?;
        self.check_group(&tenant)?;
        let mut work = Work::new(call, caller.audit_actor(), self.now());
        work.insert(Action::CreateTenant, KIND, subject(&tenant), &tenant)?;
        caller.guard(&mut work);
        let view = TenantView::for_platform(&caller, tenant);
        slot.keep(self, &mut work, 201, &view)?;
        self.carry_out(work).await?;
        Ok(Answer::new(view))
    }
}
