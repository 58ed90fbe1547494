//! Makes subscriptions what the payment provider has.

use std::time::Duration;

use crate::{
    authz::Action,
    context::SystemActor,
    domain::{
        AuditActor, ProviderEvent, ProviderEventId, Subscription, Tenant, TenantStatus,
        billing::{Compared, PROVIDER_EVENTS, ProviderStatus, ProviderSubscription},
    },
    error::{Code, Error, Result},
    service::{
        Call, Service,
        moment::Moment,
        subscriptions::{KIND, lifecycle::follow as follow_tenant, subject},
        unit_of_work::UnitOfWork,
    },
    store::{Query, Repository as _},
};

/// Time limit for one subscription: a few requests to the provider, each of which may be repeated.
const LIMIT: Duration = Duration::from_secs(60);

/// Outcome of following a subscription of the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Followed {
    /// It is stored as the provider has it.
    Stored,
    /// Nothing came of it, for this reason.
    Nothing(String),
    /// It goes on there, and has ended here.
    EndsThere,
    /// Another subscription of the tenant, with this id there, is to be looked at first.
    After(String),
}

impl Service {
    /// Reads a subscription of the provider and stores it, with the events that are settled by that.
    pub(crate) async fn follow_provider(&self, id: &str, events: &[ProviderEventId]) -> Result<Followed> {
        let mut call = Call::by_part(SystemActor::Billing);
        call.context = call.context.with_timeout(LIMIT);
        let followed = self.follow_one(&call, id, events, false).await?;
        let Followed::After(other) = &followed else { return Ok(followed) };
        // Its own announcement may not have come yet.
        self.follow_one(&call, other, &[], true).await?;
        self.follow_one(&call, id, events, true).await
    }

    /// Follows one subscription, and ends it there if it has ended here. `last` looks at no other one first.
    async fn follow_one(&self, call: &Call, id: &str, events: &[ProviderEventId], last: bool) -> Result<Followed> {
        let followed = self.settle(call, |moment| self.try_follow(call, moment, id, events, last)).await?;
        if followed == Followed::EndsThere {
            self.billing()?.cancel(&call.context, id).await?;
            tracing::info!(
                subscription = id,
                "a subscription that has ended here was cancelled at the payment provider"
            );
            self.settle(call, |moment| self.settle_events(call, moment, events, None)).await?;
        }
        Ok(followed)
    }

    /// The same at once, for the request of an operator.
    pub(super) async fn follow_provider_now(&self, id: &str) -> Result<()> {
        match self.follow_provider(id, &[]).await? {
            Followed::Stored => Ok(()),
            Followed::Nothing(why) => Err(Error::new(Code::BILLING_REFUSED, why)),
            Followed::EndsThere | Followed::After(_) => {
                let message = "the subscription was cancelled meanwhile, here or at the payment provider";
                Err(Error::new(Code::BILLING_REFUSED, message))
            }
        }
    }

    /// Marks events as dealt with, for a reason if nothing came of them.
    pub(crate) async fn settle_events(
        &self,
        call: &Call,
        moment: Moment,
        events: &[ProviderEventId],
        why: Option<String>,
    ) -> Result<()> {
        let mut work = UnitOfWork::new(call, actor(), &moment);
        self.settle_in(call, &mut work, events, why).await?;
        self.carry_out(work).await
    }

    async fn settle_in(
        &self,
        call: &Call,
        work: &mut UnitOfWork<'_>,
        events: &[ProviderEventId],
        why: Option<String>,
    ) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let query = Query::by_ids(&PROVIDER_EVENTS, events.iter().map(|id| id.0));
        let stored: Vec<ProviderEvent> = self.store.load_all(&call.context, &query).await?;
        for before in stored.iter().filter(|event| !event.settled) {
            let mut after = before.clone();
            after.settle(why.clone(), work.now());
            work.refresh(before, &mut after)?;
        }
        Ok(())
    }

    async fn try_follow(
        &self,
        call: &Call,
        moment: Moment,
        id: &str,
        events: &[ProviderEventId],
        last: bool,
    ) -> Result<Followed> {
        // What is stored is read first, and guarded by its version: nobody stores an older state over a newer one.
        let key = Subscription::provider_key(id);
        let known: Option<Subscription> = self.store.load_unique(&call.context, key).await?;
        let mut work = UnitOfWork::new(call, actor(), &moment);
        let theirs = self.billing()?.subscription(&call.context, id).await?;
        let followed = match theirs {
            None => Followed::Nothing("the payment provider has no such subscription".to_owned()),
            Some(theirs) => self.store_followed(call, &mut work, known, &theirs, last).await?,
        };
        match &followed {
            Followed::Stored => self.settle_in(call, &mut work, events, None).await?,
            Followed::Nothing(why) => self.settle_in(call, &mut work, events, Some(why.clone())).await?,
            Followed::EndsThere | Followed::After(_) => return Ok(followed),
        }
        self.carry_out(work).await?;
        Ok(followed)
    }

    async fn store_followed(
        &self,
        call: &Call,
        work: &mut UnitOfWork<'_>,
        known: Option<Subscription>,
        theirs: &ProviderSubscription,
        last: bool,
    ) -> Result<Followed> {
        let (catalogue, times) = (&self.settings.plans, &self.settings.lifecycle);
        if let Some(before) = known {
            let tenant: Option<Tenant> = self.store.load(&call.context, before.tenant_id).await?;
            let mut after = before.clone();
            if after.follow_provider(theirs, catalogue, work.now())? == Compared::EndsThere {
                return Ok(Followed::EndsThere);
            }
            self.store_change(work, tenant.as_ref(), &before, &mut after)?;
            return Ok(Followed::Stored);
        }
        let tenant: Option<Tenant> = match theirs.tenant_id {
            Some(id) => self.store.load(&call.context, id).await?,
            None => None,
        };
        let Some(tenant) = tenant else {
            return Ok(Followed::Nothing("it names no tenant of this platform".to_owned()));
        };
        if tenant.status == TenantStatus::Deleted {
            let goes_on = !theirs.status.is_final();
            return Ok(if goes_on { Followed::EndsThere } else { nothing("its tenant is deleted") });
        }
        if theirs.status == ProviderStatus::IncompleteExpired || matches!(theirs.status, ProviderStatus::Other(_)) {
            return Ok(nothing("it never came into force, or has a status that is not known here"));
        }
        let key = Subscription::current_key(tenant.id);
        let current: Option<Subscription> = self.store.load_unique(&call.context, key).await?;
        match current {
            Some(before) if before.stripe_subscription_id.is_none() => {
                // One that was cancelled with its tenant, for example, before the deletion was undone.
                let began = before.status_since.unwrap_or(before.created_at);
                if theirs.ended_at.is_some_and(|ended| ended < began) {
                    return Ok(nothing("it ended before the tenant's present subscription began"));
                }
                let mut after = before.clone();
                after.follow_provider(theirs, catalogue, work.now())?;
                self.store_change(work, Some(&tenant), &before, &mut after)?;
            }
            Some(other) => {
                let Some(of_other) = other.stripe_subscription_id.filter(|_| !last) else {
                    if theirs.status.is_final() {
                        // One of the past, whose announcements all came late.
                        let past = self.followed_anew(&tenant, theirs, work)?;
                        work.insert(Action::CreateSubscription, KIND, subject(&past), &past)?;
                        return Ok(Followed::Stored);
                    }
                    let message =
                        "the tenant has another subscription there: cancel one of the two at the payment provider";
                    tracing::warn!(tenant = %tenant.id, subscription = theirs.id, "{message}");
                    return Ok(nothing(message));
                };
                return Ok(Followed::After(of_other));
            }
            None if theirs.status == ProviderStatus::Incomplete => {
                return Ok(nothing("its first payment has not arrived"));
            }
            None => {
                let mut new = self.followed_anew(&tenant, theirs, work)?;
                new.schedule(None, times, work.now());
                work.insert(Action::CreateSubscription, KIND, subject(&new), &new)?;
                follow_tenant(work, &tenant, &new)?;
                work.commit.guard(&tenant);
            }
        }
        Ok(Followed::Stored)
    }

    /// Creates the subscription of one that is not stored.
    fn followed_anew(
        &self,
        tenant: &Tenant,
        theirs: &ProviderSubscription,
        work: &UnitOfWork<'_>,
    ) -> Result<Subscription> {
        let mut new = Subscription::blank(tenant.id, work.now());
        new.plan.clone_from(&tenant.plan);
        new.follow_provider(theirs, &self.settings.plans, work.now())?;
        new.status_since = Some(work.now());
        Ok(new)
    }

    fn store_change(
        &self,
        work: &mut UnitOfWork<'_>,
        tenant: Option<&Tenant>,
        before: &Subscription,
        after: &mut Subscription,
    ) -> Result<()> {
        after.schedule(Some(before), &self.settings.lifecycle, work.now());
        if work.update(Action::UpdateSubscription, KIND, subject(before), before, after)?
            && let Some(tenant) = tenant.filter(|tenant| tenant.status != TenantStatus::Deleted)
        {
            follow_tenant(work, tenant, after)?;
        }
        Ok(())
    }
}

fn nothing(why: &str) -> Followed {
    Followed::Nothing(why.to_owned())
}

fn actor() -> AuditActor {
    AuditActor::part(SystemActor::Billing)
}
