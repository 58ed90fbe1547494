//! Looks at claims of domains that are due: proves them, and warns before they are lost.

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};

use crate::{
    context::SystemActor,
    domain::{
        AuditActor, Tenant, TenantDomain, TenantStatus, Versioned as _,
        tenant_domain::{DOMAINS_BY_DUE, TENANT_DOMAINS},
    },
    error::{Code, Result},
    service::{Call, Service, conflict, domains::follow, moment::Moment, unit_of_work::UnitOfWork},
    store::{Commit, Filter, Query, Repository as _},
};

/// Number of claims in one step.
const BATCH: u32 = 64;

/// Number of claims that are looked at at a time.
const AT_A_TIME: usize = 8;

/// Time until the next look at what is looked at on request only.
const RESTING: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Looks at the claims that are due. Returns `true` if there may be more.
///
/// Does nothing in a process that asks no DNS servers.
///
/// # Errors
/// When the store does not answer.
pub async fn look_at_domains(service: &Service) -> Result<bool> {
    if service.records().is_err() {
        return Ok(false);
    }
    let call = Call::by_part(SystemActor::Housekeeping);
    let now = super::time(service).await;
    let due =
        Filter::Range { field: "nextCheckAt", from: None, until: Some(now.plus(Duration::from_millis(1)).into()) };
    let query = Query::new(&TENANT_DOMAINS).sort(&DOMAINS_BY_DUE).filter(due).limit(BATCH);
    let claims: Vec<TenantDomain> = service.store().load_all(&call.context, &query).await?;
    let full = claims.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
    let looks: Vec<BoxFuture<'_, Result<()>>> = claims.iter().map(|claim| look(service, claim).boxed()).collect();
    let mut looking = stream::iter(looks).buffer_unordered(AT_A_TIME);
    while let Some(outcome) = looking.next().await {
        match outcome {
            // One broken claim must not hold up all others.
            Err(error) if error.kind() == crate::error::ErrorKind::Internal => {
                tracing::error!(?error, "a claim of a domain cannot be looked at");
            }
            outcome => outcome?,
        }
    }
    Ok(full)
}

async fn look(service: &Service, due: &TenantDomain) -> Result<()> {
    // Each has a deadline of its own.
    let call = Call::by_part(SystemActor::Housekeeping);
    let tenant: Option<Tenant> = service.store().load(&call.context, due.tenant_id).await?;
    let asked = match tenant {
        Some(tenant) if tenant.status != TenantStatus::Deleted && tenant.domains.contains(&due.name) => tenant,
        _ => return service.settle(&call, |moment| clear(service, &call, moment, due)).await,
    };
    let mut shown = due.clone();
    shown.follow(&asked);
    if !shown.is_looked_for() {
        return service.settle(&call, |moment| postpone(service, &call, moment, due, RESTING)).await;
    }
    let seen = follow::look(service.records()?, due, &asked, service.settings()).await;
    let call = Call::by_part(SystemActor::Housekeeping);
    let stored = service.settle(&call, |moment| note(service, &call, moment, due, seen.clone())).await;
    match stored {
        Err(error) if error.is(Code::DOMAIN_TAKEN) => service.contest(&call, due, &seen).await,
        stored => stored,
    }
}

/// Stores what was seen, unless the claim was replaced meanwhile.
async fn note(service: &Service, call: &Call, moment: Moment, due: &TenantDomain, seen: follow::Seen) -> Result<()> {
    let claim: Option<TenantDomain> = service.store().load(&call.context, due.id).await?;
    let tenant: Option<Tenant> = service.store().load(&call.context, due.tenant_id).await?;
    let (Some(claim), Some(tenant)) = (claim.filter(|claim| claim.token == due.token), tenant) else { return Ok(()) };
    if tenant.status == TenantStatus::Deleted || !tenant.domains.contains(&claim.name) {
        return Ok(());
    }
    let mut work = UnitOfWork::new(call, actor(), &moment);
    follow::apply(&mut work, &tenant, &claim, seen, service.settings())?;
    service.carry_out(work).await
}

/// Removes a claim whose tenant is gone or has given the domain up. Those of a deleted tenant wait: they go with its data, or
/// are due again when its deletion is undone.
async fn clear(service: &Service, call: &Call, moment: Moment, due: &TenantDomain) -> Result<()> {
    let claim: Option<TenantDomain> = service.store().load(&call.context, due.id).await?;
    let tenant: Option<Tenant> = service.store().load(&call.context, due.tenant_id).await?;
    let Some(claim) = claim else { return Ok(()) };
    match tenant.filter(|tenant| tenant.domains.contains(&claim.name)) {
        Some(tenant) if tenant.status == TenantStatus::Deleted => {
            return postpone(service, call, moment, &claim, RESTING).await;
        }
        Some(_) => return Ok(()),
        None => {}
    }
    let mut work = UnitOfWork::new(call, actor(), &moment);
    work.commit.delete(&claim);
    service.carry_out(work).await
}

/// Puts the next look off.
async fn postpone(service: &Service, call: &Call, moment: Moment, due: &TenantDomain, wait: Duration) -> Result<()> {
    let claim: Option<TenantDomain> = service.store().load(&call.context, due.id).await?;
    let Some(before) = claim else { return Ok(()) };
    let mut after = before.clone();
    after.next_check_at = moment.now().plus(wait);
    after.advance(moment.now());
    let mut commit = Commit::new();
    commit.update(&after, before.version)?;
    service.store().commit(&call.context, &commit).await.map_err(|error| match error {
        error if error.is_conflict() => conflict(error),
        error => error.into(),
    })
}

fn actor() -> AuditActor {
    AuditActor::part(SystemActor::Housekeeping)
}
