//! Tells the payment provider of subscriptions that have ended here.

use crate::{
    authz::Action,
    context::SystemActor,
    domain::{
        Event, Subscription, SubscriptionStatus,
        subscription::{SUBSCRIPTIONS, SUBSCRIPTIONS_OF_TENANT},
    },
    error::Result,
    service::{Call, Service},
    store::{Query, Repository as _},
    work::{
        billing::announce_end,
        consumer::{Consumer, Follows},
    },
};

/// Number of a tenant's latest subscriptions that are looked at.
const LATEST: u32 = 20;

pub(in crate::work) const BILLING: Consumer = Consumer {
    name: "billing-ends",
    summary: "has the payment provider end what has ended here",
    follows: &[Follows { action: Action::UpdateSubscription, fields: &["status"] }],
    notes: &[],
    handle: |service, event| Box::pin(follow(service, event)),
};

async fn follow(service: &Service, event: &Event) -> Result<()> {
    let Some(tenant) = event.tenant_id else { return Ok(()) };
    if service.billing().is_err() {
        // A process that reaches the provider finds it at the daily comparison.
        return Ok(());
    }
    let call = Call::by_part(SystemActor::Outbox);
    let latest = Query::new(&SUBSCRIPTIONS)
        .sort(&SUBSCRIPTIONS_OF_TENANT)
        .equal("tenantId", tenant.0)
        .descending()
        .limit(LATEST);
    let latest: Vec<Subscription> = service.store().load_all(&call.context, &latest).await?;
    for ended in latest.iter().filter(|one| one.status == SubscriptionStatus::Cancelled) {
        announce_end(service, ended).await?;
    }
    Ok(())
}
