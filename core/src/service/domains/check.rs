//! Checks a domain on request.

use super::{DomainAccess, PublicRecords, follow, fraction, store};
use crate::{
    authz::Action,
    domain::{Tenant, TenantDomain, TenantDomainView},
    error::{Code, Error, Result},
    service::{
        Call, Service,
        access::TenantReference,
        effect::ELSEWHERE,
        idempotency::{Begun, Replayable},
        moment::Moment,
        unit_of_work::UnitOfWork,
    },
    store::Repository as _,
};

/// A check that has begun.
enum Begins {
    /// It was answered before.
    Before(Box<Replayable<TenantDomainView>>),
    /// DNS is to be asked.
    Asks(Box<(TenantDomain, Tenant)>),
}

impl Service {
    /// Asks DNS for the record of a domain now, and for the tenant's host name within it.
    ///
    /// A domain is checked once in 10 s. The first tenant whose record is seen has the domain.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `tenant_suspended`, `checked_just_now`, `dns_not_configured`, or `domain_taken`
    /// when another tenant has verified it.
    pub async fn check_domain(
        &self,
        call: &Call,
        reference: &TenantReference,
        name: &str,
    ) -> Result<Replayable<TenantDomainView>> {
        let begun = self.settle(call, |moment| self.begin_check(call, moment, reference, name)).await?;
        let (claim, tenant) = match begun {
            Begins::Before(answer) => return Ok(*answer),
            Begins::Asks(asks) => *asks,
        };
        let seen = follow::look(self.records()?, &claim, &tenant, &self.settings).await;
        let finished =
            self.settle(call, |moment| self.finish_check(call, moment, reference, &claim, seen.clone())).await;
        if finished.as_ref().is_err_and(|error| error.is(Code::DOMAIN_TAKEN)) {
            self.contest(call, &claim, &seen).await?;
        }
        finished
    }

    /// Notes the time of the check before DNS is asked, so that it is asked once however many ask for it.
    async fn begin_check(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        name: &str,
    ) -> Result<Begins> {
        let found = self.domain_access(call, reference, name, Action::CheckDomain).await?;
        let DomainAccess { access, tenant, name, claim } = found;
        if let Begun::Before(answer) = self.begin(call, &moment).await? {
            return Ok(Begins::Before(Box::new(answer)));
        }
        // A component has no DNS: its host carries the request out.
        self.leave_to_effect(call).await?;
        if ELSEWHERE {
            return Err(Error::internal("a component writes nothing, and nobody carries its changes out"));
        }
        self.records()?;
        let now = moment.now();
        let times = &self.settings.domains;
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        let claim = match claim {
            None => {
                let mut claim = TenantDomain::claimed(tenant.id, name, times, now)?;
                claim.checked_at = Some(now);
                work.commit.insert(&claim)?;
                claim
            }
            Some(before) => {
                let next = before.checked_at.map(|last| last.plus(times.least));
                if let Some(next) = next.filter(|next| *next > now) {
                    let wait = next.milliseconds().saturating_sub(now.milliseconds());
                    let wait = std::time::Duration::from_millis(u64::try_from(wait).unwrap_or(0));
                    let message =
                        format!("`{name}` was checked a moment ago: DNS has not changed since, so wait a little");
                    return Err(Error::new(Code::CHECKED_JUST_NOW, message).with_retry_after(wait));
                }
                let mut after = before.clone();
                after.checked_at = Some(now);
                work.refresh(&before, &mut after)?;
                after
            }
        };
        access.guard(&mut work);
        self.carry_out(work).await?;
        Ok(Begins::Asks(Box::new((claim, tenant))))
    }

    async fn finish_check(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        asked: &TenantDomain,
        seen: follow::Seen,
    ) -> Result<Replayable<TenantDomainView>> {
        let found = self.domain_access(call, reference, &asked.name, Action::CheckDomain).await?;
        let DomainAccess { access, tenant, claim, .. } = found;
        let slot = match self.begin(call, &moment).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::New(slot) => slot,
        };
        // It was taken away, or added anew with another record.
        let before = claim.filter(|claim| claim.token == asked.token).ok_or_else(Error::not_found)?;
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        let (claim, after) = follow::apply(&mut work, &tenant, &before, seen, &self.settings)?;
        access.guard(&mut work);
        let view = TenantDomainView::through(&access, &after, claim);
        slot.keep(&mut work, 200, &view)?;
        self.carry_out(work).await?;
        Ok(Replayable::new(view))
    }

    /// Notes that the record of a claim was seen, and that another tenant has the domain.
    pub(crate) async fn contest(&self, call: &Call, claim: &TenantDomain, seen: &follow::Seen) -> Result<()> {
        self.settle(call, |moment| async move {
            let stored: Option<TenantDomain> = self.store.load(&call.context, claim.id).await?;
            let Some(before) = stored.filter(|stored| stored.token == claim.token) else { return Ok(()) };
            let mut after = before.clone();
            after.contest(seen.sightings.clone(), &self.settings.domains, fraction(), moment.now());
            let actor = crate::domain::AuditActor::part(crate::context::SystemActor::Housekeeping);
            let mut work = UnitOfWork::new(call, actor, &moment);
            store(&mut work, crate::domain::system_action::DOMAIN_CONTEST, &before, &mut after)?;
            self.carry_out(work).await
        })
        .await
    }

    /// Returns public DNS.
    pub(crate) fn records(&self) -> Result<&dyn PublicRecords> {
        self.records.as_deref().ok_or_else(|| {
            let message = "this process asks no DNS servers: name some in `DEZKY_DNS_SERVERS`, or send the request to `dezky serve`";
            Error::new(Code::DNS_NOT_CONFIGURED, message)
        })
    }
}
