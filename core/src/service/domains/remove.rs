//! Takes a domain from a tenant.

use super::{DomainAccess, KIND, subject};
use crate::{
    authz::Action,
    context::SystemActor,
    domain::{AuditActor, Tenant, TenantDomain, TenantDomainView},
    error::Result,
    service::{
        Call, Service, access::TenantReference, moment::Moment, unit_of_work::UnitOfWork, views::check_if_match,
    },
    store::Repository as _,
};

impl Service {
    /// Takes a domain from a tenant, after which another tenant may prove it. Its record is then of no use.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `tenant_suspended`, `version_changed`, or `domain_in_use` while it has mailboxes.
    pub async fn remove_domain(&self, call: &Call, reference: &TenantReference, name: &str) -> Result<()> {
        let (tenant, name) = self.settle(call, |moment| self.try_remove_domain(call, moment, reference, name)).await?;
        self.keep_used_domains(call, &tenant, &[name]).await
    }

    /// Gives domains back to a tenant, if mailboxes at them were created while they were taken away.
    ///
    /// From then on none is created there, so that this is seen. Nothing that is stored at once could tell: a mailbox is
    /// not guarded by those that are created beside it.
    pub(crate) async fn keep_used_domains(&self, call: &Call, before: &Tenant, names: &[String]) -> Result<()> {
        let mut refused = Ok(());
        for name in names.iter().filter(|name| before.domain_verifications.iter().any(|one| one.name == **name)) {
            if let Err(error) = self.check_unused_domain(call, before.id, name).await {
                self.settle(call, |moment| self.give_back(call, moment, before, name)).await?;
                refused = Err(error);
            }
        }
        refused
    }

    async fn give_back(&self, call: &Call, moment: Moment, before: &Tenant, name: &str) -> Result<()> {
        let stored: Option<Tenant> = self.store.load(&call.context, before.id).await?;
        let Some(now) = stored.filter(|stored| !stored.domains.iter().any(|one| one == name)) else { return Ok(()) };
        let mut after = now.clone();
        after.domains.push(name.to_owned());
        after.domain_verifications.extend(before.domain_verifications.iter().find(|one| one.name == name).cloned());
        let mut work = UnitOfWork::new(call, AuditActor::part(SystemActor::Outbox), &moment);
        work.update(Action::UpdateTenant, "tenant", subject(now.id), &now, &mut after)?;
        self.carry_out(work).await
    }

    async fn try_remove_domain(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        name: &str,
    ) -> Result<(Tenant, String)> {
        let found = self.domain_access(call, reference, name, Action::RemoveDomain).await?;
        let DomainAccess { access, tenant: before, name, claim } = found;
        let shown = claim.clone().unwrap_or_else(|| TenantDomain::without_claim(&before, &name));
        check_if_match(call, &TenantDomainView::through(&access, &before, shown))?;
        self.check_unused_domain(call, before.id, &name).await?;
        let mut after = before.clone();
        after.set_domains(before.domains.iter().filter(|domain| **domain != name).cloned().collect());
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        if let Some(claim) = &claim {
            work.delete(Action::RemoveDomain, KIND, subject(before.id), claim)?;
        }
        work.update(Action::UpdateTenant, "tenant", subject(before.id), &before, &mut after)?;
        access.guard(&mut work);
        self.carry_out(work).await?;
        Ok((before, name))
    }
}
