//! Changes that time makes to subscriptions, and those that subscriptions make to their tenants.

use super::{KIND, subject};
use crate::{
    authz::Action,
    context::SystemActor,
    domain::{
        AuditActor, Subscription, Tenant, TenantStatus,
        lifecycle::{Step, follow as followed, next_step},
        subscription::{SUBSCRIPTIONS, SUBSCRIPTIONS_BY_STEP},
    },
    error::{Code, ErrorKind, Result},
    service::{
        Call, Service,
        moment::Moment,
        unit_of_work::{Subject, UnitOfWork},
    },
    store::{Filter, Query, Repository as _, Value},
};

/// Number of subscriptions changed in one round.
const BATCH: u32 = 100;

/// Suspends the tenant with its subscription, or puts it in use again with it, in the same commit.
pub(in crate::service) fn follow(
    work: &mut UnitOfWork<'_>,
    tenant: &Tenant,
    subscription: &Subscription,
) -> Result<()> {
    let Some(mut after) = followed(tenant, subscription) else { return Ok(()) };
    let about = Subject { tenant: Some(tenant.id), user: None };
    let action = match after.status == TenantStatus::Suspended {
        true => Action::SuspendTenant,
        false => Action::RestoreTenant,
    };
    work.update(action, "tenant", about, tenant, &mut after).map(drop)
}

impl Service {
    /// Makes the changes whose time has come, 100 at most. Returns their number; call it again while there are any.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn advance_subscriptions(&self) -> Result<usize> {
        let call = Call::by_part(SystemActor::Lifecycle);
        let now = self.attempt(async |moment| moment.now()).await;
        let until = Value::Time(now.plus(std::time::Duration::from_millis(1)));
        let due = Filter::Range { field: "nextStepAt", from: None, until: Some(until) };
        let query = Query::new(&SUBSCRIPTIONS).sort(&SUBSCRIPTIONS_BY_STEP).filter(due).limit(BATCH);
        let due: Vec<Subscription> = self.store.load_all(&call.context, &query).await?;
        let mut advanced = 0;
        for subscription in &due {
            match self.settle(&call, |moment| self.try_advance(&call, moment, subscription.id)).await {
                Ok(()) => advanced += 1,
                // Somebody is at it; the next round sees what they did.
                Err(error) if error.is(Code::CONFLICT) => {}
                // One broken subscription must not hold up all others.
                Err(error) if error.kind() == ErrorKind::Internal => {
                    tracing::error!(?error, subscription = %subscription.id, "time cannot change a subscription");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(advanced)
    }

    async fn try_advance(&self, call: &Call, moment: Moment, id: crate::domain::SubscriptionId) -> Result<()> {
        let before: Option<Subscription> = self.store.load(&call.context, id).await?;
        let Some(before) = before else { return Ok(()) };
        let tenant: Option<Tenant> = self.store.load(&call.context, before.tenant_id).await?;
        let mut work = UnitOfWork::new(call, AuditActor::part(SystemActor::Lifecycle), &moment);
        let now = work.now();
        let settings = &self.settings.lifecycle;
        let mut after = before.clone();
        // After a pause of the process several may have come due: each is made, as if it had been there.
        match next_step(&before, settings) {
            Some((time, Step::Becomes(status))) if time <= now => {
                after.status = status.into();
                after.schedule(Some(&before), settings, now);
                work.update(Action::UpdateSubscription, KIND, subject(&before), &before, &mut after)?;
                if let Some(tenant) = &tenant {
                    follow(&mut work, tenant, &after)?;
                }
            }
            Some((time, Step::DeletesTenant)) if time <= now => {
                after.next_step_at = None;
                work.refresh(&before, &mut after)?;
                if let Some(tenant) = tenant.as_ref().filter(|tenant| self.is_to_go(tenant, &before)) {
                    // Another subscription may have been begun since.
                    if self.current_subscription(call, tenant).await?.is_none() {
                        let mut deleted = tenant.clone();
                        deleted.delete(None, now);
                        let about = Subject { tenant: Some(tenant.id), user: None };
                        work.update(Action::DeleteTenant, "tenant", about, tenant, &mut deleted)?;
                    }
                }
            }
            _ => {
                // Another process was faster, or it was planned by other settings.
                after.schedule(Some(&before), settings, now);
                if after != before {
                    work.refresh(&before, &mut after)?;
                }
            }
        }
        self.carry_out(work).await
    }

    /// Returns `true` if the tenant is still withheld for this subscription.
    fn is_to_go(&self, tenant: &Tenant, subscription: &Subscription) -> bool {
        tenant.status == TenantStatus::Suspended && tenant.suspended_for == Some(subscription.id)
    }

    async fn current_subscription(&self, call: &Call, tenant: &Tenant) -> Result<Option<Subscription>> {
        Ok(self.store.load_unique(&call.context, Subscription::current_key(tenant.id)).await?)
    }
}
