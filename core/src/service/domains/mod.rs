//! A tenant's domains, and their proof by DNS.
//!
//! The tenant's document says which domains it claims and which are verified; a claim beside it has the record to
//! publish and what was seen of it. DNS is asked by the process that has the store, never by a component.

mod add;
mod check;
pub(crate) mod follow;
mod host;
mod list;
mod records;
mod remove;

pub use records::{PublicRecords, Told};

use super::{
    Service,
    access::{CallerFacts, TenantAccess, TenantReference},
    call::Call,
    unit_of_work::{Subject, UnitOfWork},
};
use crate::{
    authz::Action,
    domain::{
        Mailbox, Tenant, TenantDomain, TenantDomainView, TenantId,
        fields::domain_name,
        mailbox::{MAILBOXES, MAILBOXES_OF_DOMAIN},
        tenant_domain::{DOMAINS_OF_TENANT, MOST_DOMAINS, TENANT_DOMAINS},
    },
    error::{Code, Error, FieldCode, FieldError, Result},
    store::{Query, Repository as _},
};

/// The kind of resource in audit events.
pub(crate) const KIND: &str = "domain";

pub(crate) fn subject(tenant: TenantId) -> Subject {
    Subject { tenant: Some(tenant), user: None }
}

/// Returns the query for the claims of a tenant.
pub(crate) fn of_tenant(tenant: TenantId) -> Query {
    let most = u32::try_from(MOST_DOMAINS).unwrap_or(u32::MAX);
    Query::new(&TENANT_DOMAINS).sort(&DOMAINS_OF_TENANT).equal("tenantId", tenant.0).limit(most * 2)
}

/// Returns the query for one claim.
fn one(tenant: TenantId, name: &str) -> Query {
    Query::new(&TENANT_DOMAINS).sort(&DOMAINS_OF_TENANT).equal("tenantId", tenant.0).equal("name", name).limit(1)
}

/// Returns a random number from 0 to 1; the middle if the system has no randomness.
#[allow(clippy::cast_precision_loss, reason = "32 bits fit")]
pub(crate) fn fraction() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

/// Replaces a claim; with an event if its status changes.
fn store(
    work: &mut UnitOfWork<'_>,
    action: impl Into<&'static str>,
    before: &TenantDomain,
    after: &mut TenantDomain,
) -> Result<()> {
    if before.status == after.status {
        return work.refresh(before, after);
    }
    work.update(action, KIND, subject(before.tenant_id), before, after).map(drop)
}

impl TenantDomainView {
    /// Returns what the caller of `access` sees of a domain.
    fn through(access: &TenantAccess, tenant: &Tenant, mut domain: TenantDomain) -> Self {
        domain.follow(tenant);
        Self::shown_to(domain, super::views::viewer(access.role(), access.caller.is_platform()))
    }
}

/// A domain of a tenant.
struct DomainAccess {
    access: TenantAccess,
    tenant: Tenant,
    /// Its name in DNS form.
    name: String,
    /// Its claim, if there is one.
    claim: Option<TenantDomain>,
}

impl Service {
    /// Loads the caller and a domain of a tenant, if the caller may perform `action`.
    async fn domain_access(
        &self,
        call: &Call,
        reference: &TenantReference,
        name: &str,
        action: Action,
    ) -> Result<DomainAccess> {
        let access = self.tenant_access(call, reference).await?;
        let tenant = access.authorize(action)?.clone();
        let name = domain_name::normalise(name).ok_or_else(Error::not_found)?;
        let claim: Vec<TenantDomain> = self.store.load_all(&call.context, &one(tenant.id, &name)).await?;
        if !tenant.domains.contains(&name) {
            return Err(Error::not_found());
        }
        Ok(DomainAccess { access, tenant, name, claim: claim.into_iter().next() })
    }

    /// Refuses the platform's own domain and those below it, which tenants' hosts are made of. The platform may use it.
    pub(crate) fn check_reserved_domain(&self, caller: &CallerFacts, field: &str, name: &str) -> Result<()> {
        let within =
            |domain: &String| name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        if caller.is_platform() || !self.settings.public_domain.as_ref().is_some_and(within) {
            return Ok(());
        }
        let message = "belongs to the platform: choose a domain of your own";
        Err(Error::invalid(vec![FieldError::new(field.to_owned(), FieldCode::RESERVED, message)]))
    }

    /// Refuses to take a domain away that has mailboxes.
    pub(crate) async fn check_unused_domain(&self, call: &Call, tenant: TenantId, name: &str) -> Result<()> {
        let query = Query::new(&MAILBOXES).sort(&MAILBOXES_OF_DOMAIN).equal("tenantId", tenant.0).equal("domain", name);
        let mailboxes: Vec<Mailbox> = self.store.load_all(&call.context, &query.limit(1)).await?;
        match mailboxes.first() {
            None => Ok(()),
            Some(mailbox) => {
                let message = format!(
                    "`{name}` has mailboxes, such as `{}`: remove them first, and wait until the mail system has",
                    mailbox.address
                );
                Err(Error::new(Code::DOMAIN_IN_USE, message))
            }
        }
    }

    /// Checks the domains that a change of a tenant adds or takes away.
    pub(crate) async fn check_domains(
        &self,
        call: &Call,
        caller: &CallerFacts,
        before: Option<&Tenant>,
        after: &Tenant,
    ) -> Result<()> {
        let had = |name: &String| before.is_some_and(|before| before.domains.contains(name));
        for (position, name) in after.domains.iter().enumerate().filter(|(_, name)| !had(name)) {
            self.check_reserved_domain(caller, &format!("domains[{position}]"), name)?;
        }
        // The platform may take a domain away with mailboxes: they stay, and nobody signs in to them.
        let Some(before) = before.filter(|_| !caller.is_platform()) else { return Ok(()) };
        for verified in before.domain_verifications.iter().filter(|one| !after.domains.contains(&one.name)) {
            self.check_unused_domain(call, before.id, &verified.name).await?;
        }
        Ok(())
    }
}
