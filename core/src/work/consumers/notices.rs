//! Plans the notice that the state of a tenant and its subscription asks for.

use crate::{
    authz::Action,
    context::SystemActor,
    domain::{Event, Notice, NoticeStatus, Tenant, TenantId, Versioned as _},
    error::Result,
    service::{Call, Service, conflict, moment::Moment},
    store::{Commit, Repository as _},
    work::{
        consumer::{Consumer, Follows},
        is_overtaken,
        notices::planned_for,
    },
};

/// Fields of a subscription that its notices rest on.
const OF_SUBSCRIPTIONS: &[&str] = &["status", "terms", "trialEndsAt", "stripeSubscriptionId"];

pub(in crate::work) const NOTICES: Consumer = Consumer {
    name: "notice-plans",
    summary: "plans notices to owners at each step of their subscription's life",
    follows: &[
        Follows { action: Action::CreateSubscription, fields: &[] },
        Follows { action: Action::UpdateSubscription, fields: OF_SUBSCRIPTIONS },
        Follows { action: Action::DeleteSubscription, fields: &[] },
        Follows { action: Action::UpdateTenant, fields: &["status"] },
        Follows { action: Action::RestoreTenant, fields: &[] },
        Follows { action: Action::SuspendTenant, fields: &[] },
        Follows { action: Action::DeleteTenant, fields: &[] },
    ],
    notes: &[],
    handle: |service, event| Box::pin(handle(service, event)),
};

async fn handle(service: &Service, event: &Event) -> Result<()> {
    let Some(tenant) = event.tenant_id else { return Ok(()) };
    let call = Call::by_part(SystemActor::Outbox);
    service.settle(&call, |moment| plan(service, &call, moment, tenant)).await
}

/// Plans the notice, unless it is there. One that was withdrawn and holds again waits again, for those who were not mailed.
async fn plan(service: &Service, call: &Call, moment: Moment, tenant: TenantId) -> Result<()> {
    let stored: Option<Tenant> = service.store().load(&call.context, tenant).await?;
    let Some(stored) = stored else { return Ok(()) };
    let now = moment.now();
    let Some((planned, _)) = planned_for(service, call, &stored, now).await? else { return Ok(()) };
    let before: Option<Notice> = service.store().load_unique(&call.context, planned.key(tenant)).await?;
    let mut commit = Commit::new();
    match before {
        None => commit.insert(&planned.into_notice(tenant, now))?,
        Some(before) if before.status == NoticeStatus::Withdrawn => {
            let mut again = before.clone();
            again.follow(&planned);
            again.advance(now);
            commit.update(&again, before.version)?;
        }
        Some(_) => return Ok(()),
    }
    service.store().commit(&call.context, &commit).await.map_err(|error| match error {
        error if is_overtaken(&error) => conflict(error),
        error => error.into(),
    })
}
