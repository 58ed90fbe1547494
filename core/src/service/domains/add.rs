//! Claims a domain for a tenant.

use super::{KIND, one, store, subject};
use crate::{
    authz::{Action, TargetFacts},
    domain::{AddDomain, DomainStatus, TenantDomain, TenantDomainView, tenant_domain::MOST_DOMAINS},
    error::{Code, Error, FieldError, Result},
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

impl Service {
    /// Claims a domain for a tenant. The answer has the record that proves it.
    ///
    /// Several tenants may claim one name: the first to prove it has it. A claim that has expired gets a new record.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `tenant_suspended`, `domain_exists`, `domain_limit_reached`, or `invalid_fields`
    /// with `reserved` for the platform's own domain.
    pub async fn add_domain(
        &self,
        call: &Call,
        reference: &TenantReference,
        input: AddDomain,
    ) -> Result<Replayable<TenantDomainView>> {
        self.settle(call, |moment| self.try_add_domain(call, moment, reference, input.clone())).await
    }

    async fn try_add_domain(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        input: AddDomain,
    ) -> Result<Replayable<TenantDomainView>> {
        let access = self.tenant_access(call, reference).await?;
        let before = access.authorize_with(Action::AddDomain, TargetFacts::default(), &input.fields())?;
        let slot = match self.begin(call, &moment).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::New(slot) => slot,
        };
        // Only the host knows the platform's own domain, and makes tokens.
        self.leave_to_effect(call).await?;
        if ELSEWHERE {
            return Err(Error::internal("a component writes nothing, and nobody carries its changes out"));
        }
        self.check_reserved_domain(&access.caller, "name", &input.name)?;
        let claims: Vec<TenantDomain> = self.store.load_all(&call.context, &one(before.id, &input.name)).await?;
        let stored = claims.into_iter().next();
        let is_there = before.domains.contains(&input.name);
        let renewed = |claim: &TenantDomain| claim.status == DomainStatus::Expired || !is_there;
        if is_there && stored.as_ref().is_some_and(|claim| !renewed(claim)) {
            let message = "the tenant has this domain already: check it, or remove it first";
            let field = FieldError::new("name", Code::DOMAIN_EXISTS, message);
            return Err(Error::new(Code::DOMAIN_EXISTS, message).with_fields(vec![field]));
        }
        if !is_there && before.domains.len() >= MOST_DOMAINS {
            let message = format!("a tenant has at most {MOST_DOMAINS} domains: remove one that is not used");
            return Err(Error::new(Code::DOMAIN_LIMIT_REACHED, message));
        }
        let mut after = before.clone();
        if !is_there {
            after.domains.push(input.name.clone());
        }
        let mut claim = input.into_domain(before.id, &self.settings.domains, moment.now())?;
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        if let Some(old) = &stored {
            (claim.id, claim.version, claim.created_at) = (old.id, old.version, old.created_at);
            store(&mut work, Action::AddDomain, old, &mut claim)?;
        } else {
            work.insert(Action::AddDomain, KIND, subject(before.id), &claim)?;
        }
        work.update(Action::UpdateTenant, "tenant", subject(before.id), before, &mut after)?;
        access.guard(&mut work);
        let view = TenantDomainView::through(&access, &after, claim);
        slot.keep(&mut work, 201, &view)?;
        self.carry_out(work).await?;
        Ok(Replayable::new(view))
    }
}
