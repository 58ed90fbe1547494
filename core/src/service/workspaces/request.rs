//! Asks for another attempt at, or a look at, the systems behind a tenant.

use super::WorkspaceView;
use crate::{
    authz::Action,
    error::Result,
    service::{
        Call, Service,
        access::TenantReference,
        idempotency::{Begun, Replayable},
        moment::Moment,
        unit_of_work::{Subject, UnitOfWork},
    },
};

/// The kind of resource in audit events.
const KIND: &str = "workspace";

impl Service {
    /// Retries what failed in the systems behind a tenant, without waiting for the time of the next attempt.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient` or `tenant_suspended`.
    pub async fn retry_workspace(&self, call: &Call, reference: &TenantReference) -> Result<Replayable<WorkspaceView>> {
        self.settle(call, |moment| self.try_request(call, moment, reference, Action::RetryWorkspace)).await
    }

    /// Compares the systems behind a tenant, and the DNS records of its domains, with what they should be.
    ///
    /// # Errors
    /// As [`Service::retry_workspace`].
    pub async fn check_workspace(&self, call: &Call, reference: &TenantReference) -> Result<Replayable<WorkspaceView>> {
        self.settle(call, |moment| self.try_request(call, moment, reference, Action::CheckWorkspace)).await
    }

    /// Records the request. Its event marks the states, however many there are.
    async fn try_request(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        action: Action,
    ) -> Result<Replayable<WorkspaceView>> {
        let access = self.tenant_access(call, reference).await?;
        let tenant = access.authorize(action)?.clone();
        let slot = match self.begin(call, &moment).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::New(slot) => slot,
        };
        let view = self.workspace_view(call, &access, &tenant).await?;
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        let about = Subject { tenant: Some(tenant.id), user: None };
        work.note(action.name(), KIND, tenant.id.0, about, Vec::new())?;
        access.guard(&mut work);
        slot.keep(&mut work, 200, &view)?;
        self.carry_out(work).await?;
        Ok(Replayable::new(view))
    }
}
