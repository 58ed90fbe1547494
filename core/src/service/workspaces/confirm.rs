//! Confirms what was set up or removed by hand in a system that no connector reaches.

use super::WorkspaceView;
use crate::{
    authz::Action,
    domain::{
        Choice as _, TenantStatus,
        workspace::{SystemKind, SystemState, address_of},
    },
    error::{Code, Error, Result},
    service::{
        Call, Service,
        access::TenantReference,
        idempotency::{Begun, Replayable},
        moment::Moment,
        unit_of_work::{Subject, UnitOfWork},
    },
    store::Repository as _,
};

impl Service {
    /// Confirms that what the workspace's condition asks for was done by hand. For the platform.
    ///
    /// Of a tenant that is not deleted, the system is then there at its address; of a deleted one, it is gone.
    ///
    /// # Errors
    /// `not_found`, also for a system that is not one by hand or not configured, or `platform_admin_required`.
    pub async fn confirm_workspace(
        &self,
        call: &Call,
        reference: &TenantReference,
        system: &str,
    ) -> Result<Replayable<WorkspaceView>> {
        self.settle(call, |moment| self.try_confirm(call, moment, reference, system)).await
    }

    async fn try_confirm(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        system: &str,
    ) -> Result<Replayable<WorkspaceView>> {
        let access = self.tenant_access(call, reference).await?;
        let tenant = access.authorize(Action::ConfirmWorkspace)?.clone();
        let kind = SystemKind::of(system).filter(|kind| kind.is_by_hand());
        let template = kind.and_then(|kind| self.settings.system_urls.get(&kind));
        let (Some(kind), Some(template)) = (kind, template) else {
            let message = "there is no such system to confirm: `chat` or `meetings`, where their address is configured";
            return Err(Error::new(Code::NOT_FOUND, message));
        };
        let slot = match self.begin(call, &moment).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::New(slot) => slot,
        };
        let key = SystemState::key(tenant.id, kind, None);
        let stored: Option<SystemState> = self.store.load_unique(&call.context, key).await?;
        let now = moment.now();
        let mut after = stored.clone().unwrap_or_else(|| SystemState::new(tenant.id, kind, None, now));
        let address = address_of(template, &tenant.slug);
        let there = (tenant.status != TenantStatus::Deleted).then_some(address.as_str());
        after.set_external_id(SystemState::ADDRESS, there);
        after.want(now);
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        match &stored {
            Some(before) => work.refresh(before, &mut after)?,
            None => work.commit.insert(&after)?,
        }
        let about = Subject { tenant: Some(tenant.id), user: None };
        work.note(Action::ConfirmWorkspace.name(), "workspace", tenant.id.0, about, vec![kind.name().to_owned()])?;
        access.guard(&mut work);
        let view = self.workspace_view(call, &access, &tenant).await?;
        slot.keep(&mut work, 200, &view)?;
        self.carry_out(work).await?;
        Ok(Replayable::new(view))
    }
}
