//! Ends the suspension of a tenant, or undoes its deletion.

use super::{KIND, subject};
use crate::{
    authz::Action,
    clock::Timestamp,
    domain::{CancelledSubscription, Open, Subscription, SubscriptionStatus, Tenant, TenantStatus},
    error::{Code, Error, Result},
    service::{
        Call, Service,
        access::TenantReference,
        idempotency::{Answer, Begun},
        moment::Moment,
        unit_of_work::UnitOfWork,
        views::{TenantView, check_if_match},
    },
    store::Repository,
};

impl Service {
    /// Ends a suspension, or undoes a deletion within the grace period. Has no effect on an active tenant.
    ///
    /// A tenant has the status of before, and after a deletion its verified domains, and the subscription that was cancelled
    /// with it. If it has another subscription by now, both are left as they are.
    ///
    /// # Errors
    /// `not_found`, `platform_admin_required`, `version_changed`, or
    /// - `tenant_pending` for a tenant that was never active,
    /// - `tenant_removed` after the grace period,
    /// - `domain_taken` while another tenant has one of its verified domains.
    pub async fn restore_tenant(&self, call: &Call, reference: &TenantReference) -> Result<Answer<TenantView>> {
        self.settle(call, |moment| self.try_restore_tenant(call, moment, reference)).await
    }

    async fn try_restore_tenant(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
    ) -> Result<Answer<TenantView>> {
        let access = self.tenant_access(call, reference).await?;
        let before = access.authorize(Action::RestoreTenant)?;
        let slot = match self.begin(call, &moment).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::New(slot) => slot,
        };
        check_if_match(call, &self.view_tenant(&access, before.clone()))?;
        let mut after = before.clone();
        let cancelled = match &before.status {
            Open::Known(TenantStatus::Deleted) => {
                self.check_not_removed(before, moment.now())?;
                after.undelete()
            }
            Open::Known(TenantStatus::Pending) => {
                let message = "the tenant is not suspended but still being set up";
                return Err(Error::new(Code::TENANT_PENDING, message));
            }
            // A state that Dezky does not define counts as suspended; restoring such a tenant makes it active.
            _ => {
                after.set_status(match &before.suspended_from {
                    Some(Open::Known(status)) => *status,
                    Some(Open::Foreign(_)) | None => TenantStatus::Active,
                });
                None
            }
        };
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        work.update(Action::RestoreTenant, KIND, subject(before), before, &mut after)?;
        if let Some(cancelled) = cancelled {
            self.restore_subscription(call, &mut work, before, cancelled).await?;
        }
        access.guard(&mut work);
        let view = self.view_tenant(&access, after);
        slot.keep(&mut work, 200, &view)?;
        self.carry_out(work).await?;
        Ok(Answer::new(view))
    }

    /// Refuses a tenant whose data is being removed. The time decides, whether any system is configured or not.
    fn check_not_removed(&self, tenant: &Tenant, now: Timestamp) -> Result<()> {
        match tenant.removal_at(self.settings.grace) {
            Some(time) if time <= now => Err(Error::new(
                Code::TENANT_REMOVED,
                format!(
                    "the deletion could be undone until {time}: its data is removed since, so create another tenant"
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Restores the subscription that the deletion of its tenant has cancelled, unless the tenant has another one.
    async fn restore_subscription(
        &self,
        call: &Call,
        work: &mut UnitOfWork<'_>,
        tenant: &Tenant,
        cancelled: CancelledSubscription,
    ) -> Result<()> {
        let key = Subscription::current_key(tenant.id);
        if self.store.load_unique::<Subscription>(&call.context, key).await?.is_some() {
            return Ok(());
        }
        let stored: Option<Subscription> = self.store.load(&call.context, cancelled.id).await?;
        let Some(stored) = stored.filter(|stored| stored.status == SubscriptionStatus::Cancelled) else {
            return Ok(());
        };
        let mut restored = stored.clone();
        restored.status = cancelled.status;
        work.update(Action::UpdateSubscription, "subscription", subject(tenant), &stored, &mut restored)?;
        Ok(())
    }
}
