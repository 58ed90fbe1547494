//! Cancels the subscription of a deleted tenant, should one have been created while the tenant was being deleted.

use super::actor;
use crate::{
    authz::Action,
    context::SystemActor,
    domain::{Event, Subscription, SubscriptionStatus, Tenant, TenantId, TenantStatus},
    error::Result,
    service::{
        Call, Service,
        moment::Moment,
        unit_of_work::{Subject, UnitOfWork},
    },
    store::Repository,
    work::consumer::{Consumer, Follows},
};

pub(in crate::work) const CANCELLATION: Consumer = Consumer {
    name: "cancellation",
    summary: "cancels subscriptions of deleted tenants",
    follows: &[Follows { action: Action::DeleteTenant, fields: &[] }],
    notes: &[],
    handle: |service, event| Box::pin(cancel(service, event)),
};

async fn cancel(service: &Service, event: &Event) -> Result<()> {
    let Some(id) = event.tenant_id else { return Ok(()) };
    let call = Call::by_part(SystemActor::Outbox);
    service.settle(&call, |moment| try_cancel(service, &call, moment, id)).await
}

async fn try_cancel(service: &Service, call: &Call, moment: Moment, tenant: TenantId) -> Result<()> {
    let stored: Option<Tenant> = service.store().load(&call.context, tenant).await?;
    // The event is checked against the store: nobody pays less because an event is wrong, or the deletion undone.
    if stored.as_ref().is_some_and(|stored| stored.status != TenantStatus::Deleted) {
        return Ok(());
    }
    let key = Subscription::current_key(tenant);
    let current: Option<Subscription> = service.store().load_unique(&call.context, key).await?;
    let Some(current) = current else { return Ok(()) };
    let mut cancelled = current.clone();
    cancelled.status = SubscriptionStatus::Cancelled.into();
    cancelled.schedule(Some(&current), &service.settings().lifecycle, moment.now());
    let mut work = UnitOfWork::new(call, actor(), &moment);
    let about = Subject { tenant: Some(tenant), user: None };
    work.update(Action::UpdateSubscription, "subscription", about, &current, &mut cancelled)?;
    if let Some(stored) = &stored {
        work.commit.guard(stored);
    }
    service.carry_out(work).await
}
