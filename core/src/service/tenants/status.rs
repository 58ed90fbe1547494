//! Changes of a tenant's status, with what follows from them in the same commit.

use super::{KIND, subject};
use crate::{
    authz::Action,
    clock::Timestamp,
    domain::{CancelledSubscription, Subscription, SubscriptionStatus, Tenant},
    error::Result,
    service::{
        Call, Service,
        access::TenantReference,
        idempotency::{Begun, Replayable},
        moment::Moment,
        unit_of_work::UnitOfWork,
        views::{TenantView, check_if_match},
    },
    store::Repository,
};

impl Service {
    /// Changes a tenant's status. `change` returns the subscription to restore with it, if any.
    pub(super) async fn change_status(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        action: Action,
        change: impl Fn(&mut Tenant, Timestamp) -> Result<Option<CancelledSubscription>> + Send + Sync,
    ) -> Result<Replayable<TenantView>> {
        let access = self.tenant_access(call, reference).await?;
        let before = access.authorize(action)?;
        let slot = match self.begin(call, &moment).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::New(slot) => slot,
        };
        check_if_match(call, &self.view_tenant(&access, before.clone()))?;
        let mut after = before.clone();
        let cancelled = change(&mut after, moment.now())?;
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        work.update(action, KIND, subject(before), before, &mut after)?;
        if let Some(cancelled) = cancelled {
            self.restore_subscription(call, &mut work, before, cancelled).await?;
        }
        access.guard(&mut work);
        let view = self.view_tenant(&access, after);
        slot.keep(&mut work, 200, &view)?;
        self.carry_out(work).await?;
        Ok(Replayable::new(view))
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
        // The payment provider ends what was cancelled here: it is billed again after another checkout.
        restored.stripe_subscription_id = None;
        restored.ends_at = None;
        restored.schedule(Some(&stored), &self.settings.lifecycle, work.now());
        work.update(Action::UpdateSubscription, "subscription", subject(tenant), &stored, &mut restored)?;
        Ok(())
    }
}
