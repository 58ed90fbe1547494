//! Keeps claims in line with the domains that tenants name.

use crate::{
    authz::Action,
    context::SystemActor,
    domain::{Event, Tenant, TenantDomain, TenantId, TenantStatus, Versioned as _},
    error::Result,
    service::{Call, Service, conflict, domains::of_tenant, moment::Moment},
    store::{Commit, Repository as _},
    work::{
        consumer::{Consumer, Follows},
        is_overtaken,
    },
};

/// Fields of a tenant that name domains.
const OF_DOMAINS: &[&str] = &["domains", "domainVerifications"];

pub(in crate::work) const DOMAINS: Consumer = Consumer {
    name: "domains",
    summary: "makes the records that prove domains, and removes those of domains that are given up",
    follows: &[
        Follows { action: Action::CreateTenant, fields: OF_DOMAINS },
        Follows { action: Action::UpdateTenant, fields: OF_DOMAINS },
        Follows { action: Action::RestoreTenant, fields: &[] },
    ],
    notes: &[],
    handle: |service, event| Box::pin(handle(service, event)),
};

async fn handle(service: &Service, event: &Event) -> Result<()> {
    let Some(tenant) = event.tenant_id else { return Ok(()) };
    let restored = event.action == Action::RestoreTenant.name();
    let call = Call::by_part(SystemActor::Outbox);
    service.settle(&call, |moment| follow(service, &call, moment, tenant, restored)).await
}

/// Makes the claims that are missing, and removes those that are too many. All are due at once if the tenant is back.
async fn follow(service: &Service, call: &Call, moment: Moment, tenant: TenantId, restored: bool) -> Result<()> {
    let stored: Option<Tenant> = service.store().load(&call.context, tenant).await?;
    let claims: Vec<TenantDomain> = service.store().load_all(&call.context, &of_tenant(tenant)).await?;
    // Those of a deleted tenant go with its data.
    let Some(stored) = stored.filter(|stored| stored.status != TenantStatus::Deleted) else { return Ok(()) };
    let now = moment.now();
    let mut commit = Commit::new();
    for name in stored.domains.iter().filter(|name| !claims.iter().any(|claim| claim.name == **name)) {
        let mut claim = TenantDomain::claimed(tenant, name.clone(), &service.settings().domains, now)?;
        claim.follow(&stored);
        commit.insert(&claim)?;
    }
    for claim in &claims {
        if !stored.domains.contains(&claim.name) {
            commit.delete(claim);
        } else if restored {
            let mut due = claim.clone();
            due.next_check_at = now;
            due.advance(now);
            commit.update(&due, claim.version)?;
        }
    }
    if commit.is_empty() {
        return Ok(());
    }
    commit.guard(&stored);
    service.store().commit(&call.context, &commit).await.map_err(|error| match error {
        error if is_overtaken(&error) => conflict(error),
        error => error.into(),
    })
}
