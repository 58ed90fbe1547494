//! The survey: gives every tenant, member and mailbox the states that it lacks.
//!
//! Events mark what changes. The survey finds what no event told of: tenants from before a system was configured, and those of a
//! database of the replaced service.

use super::{mark, mark::Part};
use crate::{
    context::SystemActor,
    domain::{
        Mailbox, Membership, Tenant,
        mailbox::{MAILBOXES, MAILBOXES_OF_TENANT},
        membership::{MEMBERSHIPS, MEMBERSHIPS_OF_TENANT},
        tenant::TENANTS,
        workspace::{SYSTEM_STATES, SystemKind, SystemState},
    },
    error::Result,
    service::{Call, Service},
    store::{Entity, Position, Query, Repository},
};

/// Number of documents read at a time.
const PAGE: u32 = 200;

/// Creates missing states. Returns the number of tenants that had none of some system.
///
/// # Errors
/// When the store does not answer.
pub async fn survey(service: &Service, kinds: &[SystemKind]) -> Result<usize> {
    let mut found = 0;
    let mut after = None;
    loop {
        let call = Call::by_part(SystemActor::Provisioning);
        let query = Query::new(&TENANTS).after(after).limit(PAGE);
        let tenants: Vec<Tenant> = service.store().load_all(&call.context, &query).await?;
        let Some(last) = tenants.last().map(|tenant| tenant.id.0) else { return Ok(found) };
        let keys = tenants.iter().flat_map(|tenant| kinds.iter().map(|kind| SystemState::key(tenant.id, *kind, None)));
        let keys: Vec<String> = keys.collect();
        let query = Query::by_keys(&SYSTEM_STATES, keys);
        let states: Vec<SystemState> = match kinds.is_empty() {
            true => Vec::new(),
            false => service.store().load_all(&call.context, &query).await?,
        };
        for tenant in tenants.iter().filter(|tenant| tenant.purged_at.is_none()) {
            let has = |kind| states.iter().any(|state| state.tenant_id == tenant.id && state.system == kind);
            let missing: Vec<SystemKind> = kinds.iter().copied().filter(|kind| !has(*kind)).collect();
            if !missing.is_empty() {
                found += 1;
                add(service, tenant, &missing).await?;
            }
        }
        after = Some(Position { values: Vec::new(), id: last });
    }
}

/// Marks everything as due, for systems that were set up anew or restored from a backup.
///
/// # Errors
/// When the store does not answer.
pub async fn remark(service: &Service) -> Result<()> {
    let mut after = None;
    loop {
        let call = Call::by_part(SystemActor::Provisioning);
        let query = Query::new(&TENANTS).after(after).limit(PAGE);
        let tenants: Vec<Tenant> = service.store().load_all(&call.context, &query).await?;
        let Some(last) = tenants.last().map(|tenant| tenant.id.0) else { return Ok(()) };
        for tenant in &tenants {
            mark::mark_all(service, &Call::by_part(SystemActor::Provisioning), tenant.id).await?;
        }
        after = Some(Position { values: Vec::new(), id: last });
    }
}

/// Creates the states of a tenant in systems that it has none in. Those of the whole system come last: they tell that the
/// others are there.
async fn add(service: &Service, tenant: &Tenant, missing: &[SystemKind]) -> Result<()> {
    for kind in missing {
        match kind {
            SystemKind::Identity => {
                let of_tenant = Query::new(&MEMBERSHIPS).sort(&MEMBERSHIPS_OF_TENANT).equal("tenantId", tenant.id.0);
                let person = |membership: &Membership| membership.active.then(|| mark::person(membership.user_id));
                add_parts(service, tenant, of_tenant, person, |_| Vec::new()).await?;
            }
            SystemKind::Mail => {
                let of_tenant = Query::new(&MAILBOXES).sort(&MAILBOXES_OF_TENANT).equal("tenantId", tenant.id.0);
                let mailbox = |mailbox: &Mailbox| Some((SystemKind::Mail, Some(mailbox.id.0)));
                add_parts(service, tenant, of_tenant, mailbox, |last| vec![last.address.clone().into()]).await?;
            }
            SystemKind::Files | SystemKind::Meetings | SystemKind::Chat => {}
        }
        let call = Call::by_part(SystemActor::Provisioning);
        mark::ensure(service, &call, tenant.id, &[(*kind, None)]).await?;
    }
    Ok(())
}

async fn add_parts<E: Entity>(
    service: &Service,
    tenant: &Tenant,
    query: Query,
    part: impl Fn(&E) -> Option<Part>,
    position: impl Fn(&E) -> Vec<crate::store::Value>,
) -> Result<()> {
    let mut after = None;
    loop {
        let call = Call::by_part(SystemActor::Provisioning);
        let page = query.clone().after(after).limit(PAGE);
        let entities: Vec<E> = service.store().load_all(&call.context, &page).await?;
        let parts: Vec<Part> = entities.iter().filter_map(&part).collect();
        mark::ensure(service, &call, tenant.id, &parts).await?;
        let full = entities.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        let Some(last) = entities.last().filter(|_| full) else { return Ok(()) };
        after = Some(Position { values: position(last), id: last.id() });
    }
}
