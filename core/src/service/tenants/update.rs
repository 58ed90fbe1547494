//! Changes a tenant.

use super::{KIND, subject};
use crate::{
    authz::{Action, TargetFacts},
    domain::{Tenant, UpdateTenant},
    error::Result,
    service::{
        Call, Service,
        access::TenantReference,
        moment::Moment,
        unit_of_work::UnitOfWork,
        views::{TenantView, check_if_match},
    },
};

/// A tenant that was changed.
struct Updated {
    before: Tenant,
    /// Domains that it has given up.
    given_up: Vec<String>,
    view: TenantView,
}

impl Service {
    /// Changes a tenant. The policy restricts which fields a caller may set.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `field_forbidden`, `tenant_suspended`, `version_changed`, `domain_in_use`, a taken key or
    /// `invalid_fields`.
    pub async fn update_tenant(
        &self,
        call: &Call,
        reference: &TenantReference,
        input: UpdateTenant,
    ) -> Result<TenantView> {
        let updated =
            self.settle(call, |moment| self.try_update_tenant(call, moment, reference, input.clone())).await?;
        if !updated.given_up.is_empty() {
            self.keep_used_domains(call, &updated.before, &updated.given_up).await?;
        }
        Ok(updated.view)
    }

    async fn try_update_tenant(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        input: UpdateTenant,
    ) -> Result<Updated> {
        let access = self.tenant_access(call, reference).await?;
        let before = access.authorize_with(Action::UpdateTenant, TargetFacts::default(), &input.fields())?;
        check_if_match(call, &self.view_tenant(&access, before.clone()))?;
        let mut after = before.clone();
        input.apply(&mut after)?;
        self.check_group(&after)?;
        self.check_domains(call, &access.caller, Some(before), &after).await?;
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        if work.update(Action::UpdateTenant, KIND, subject(before), before, &mut after)? {
            access.guard(&mut work);
            self.carry_out(work).await?;
        }
        let given_up =
            before.domains.iter().filter(|name| !after.domains.contains(name) && !access.caller.is_platform());
        let given_up = given_up.cloned().collect();
        Ok(Updated { before: before.clone(), given_up, view: self.view_tenant(&access, after) })
    }
}
