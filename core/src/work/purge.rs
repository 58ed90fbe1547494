//! The purge: removes what the store has of a deleted tenant, once the grace period is over and its systems are removed.
//!
//! The removed documents follow from the declarations: every document that belongs to a tenant, whatever its collection. Only the
//! audit trail stays, without personal values, and the tenant itself as what keeps its slug reserved. Each commit has an
//! audit event with the numbers of what it removed; their sum is the report.

use super::{consumers::BATCH, time};
use crate::{
    context::SystemActor,
    domain::{
        AuditActor, Choice as _, SystemState, Tenant, TenantId, TenantStatus,
        audit::AUDIT_EVENTS,
        tenant::{TENANTS, TENANTS_BY_STATUS},
        trail::{AUDIT_CHAINS, AUDIT_STUBS},
        workspace::{Phase, STATES_OF_TENANT, SYSTEM_STATES},
    },
    error::Result,
    service::{
        Call, Service,
        moment::Moment,
        unit_of_work::{Subject, UnitOfWork},
    },
    store::{Change, Collection, Position, Query, Repository},
};

/// Name of the action that removes a part of what the store has of a tenant.
const PURGED: &str = crate::domain::system_action::TENANT_PURGE;

/// Number of tenants read at a time.
const PAGE: u32 = 200;

/// Collections that stay of a tenant: itself, its trail, and the states that tell that its systems are removed.
static KEPT: &[&Collection] = &[&TENANTS, &AUDIT_EVENTS, &AUDIT_CHAINS, &AUDIT_STUBS, &SYSTEM_STATES];

/// Returns the collections whose documents go with their tenant, each with the field that names it.
pub fn collections() -> impl Iterator<Item = (&'static Collection, &'static str)> {
    let all = crate::COLLECTIONS.iter().filter(|collection| !KEPT.contains(collection));
    all.filter_map(|collection| Some((*collection, collection.scope.tenant()?)))
}

/// Removes the data of deleted tenants whose grace period is over. Returns the number of tenants that are done with.
///
/// # Errors
/// When the store does not answer.
pub async fn purge(service: &Service) -> Result<usize> {
    let (mut done, mut after) = (0, None);
    loop {
        let call = Call::by_part(SystemActor::Housekeeping);
        let query = Query::new(&TENANTS)
            .sort(&TENANTS_BY_STATUS)
            .equal("status", TenantStatus::Deleted.name())
            .after(after)
            .limit(PAGE);
        let tenants: Vec<Tenant> = service.store().load_all(&call.context, &query).await?;
        let Some(last) = tenants.last() else { return Ok(done) };
        after = Some(Position { values: vec![last.name_key.clone().into()], id: last.id.0 });
        let now = time(service).await;
        for tenant in &tenants {
            let over = tenant.removal_at(service.settings().grace).is_some_and(|time| time <= now);
            if over && tenant.purged_at.is_none() && is_removed_from_systems(service, tenant.id).await? {
                purge_tenant(service, tenant.id).await?;
                done += 1;
            }
        }
    }
}

/// Returns `true` if no system behind the tenant has any of its data, as far as is known.
async fn is_removed_from_systems(service: &Service, tenant: TenantId) -> Result<bool> {
    let call = Call::by_part(SystemActor::Housekeeping);
    let mut after = None;
    let mut removed = Vec::new();
    loop {
        let query =
            Query::new(&SYSTEM_STATES).sort(&STATES_OF_TENANT).equal("tenantId", tenant.0).after(after).limit(PAGE);
        let states: Vec<SystemState> = service.store().load_all(&call.context, &query).await?;
        let Some(last) = states.last() else { break };
        after = Some(Position { values: vec![last.subject_key.clone().into()], id: last.id.0 });
        if states.iter().any(|state| state.phase != Phase::Removed) {
            return Ok(false);
        }
        removed.extend(states.iter().filter(|state| state.subject.is_none()).map(|state| state.system));
    }
    Ok(service.settings().systems.iter().all(|system| removed.contains(system)))
}

async fn purge_tenant(service: &Service, tenant: TenantId) -> Result<()> {
    for (collection, field) in collections() {
        loop {
            let call = Call::by_part(SystemActor::Housekeeping);
            let batch = async |moment| remove_batch(service, &call, moment, tenant, collection, field).await;
            if service.settle(&call, batch).await? == 0 {
                break;
            }
        }
    }
    let call = Call::by_part(SystemActor::Housekeeping);
    service.settle(&call, |moment| empty_tenant(service, &call, moment, tenant)).await
}

fn report(work: &mut UnitOfWork<'_>, tenant: TenantId, place: &Collection, count: usize) -> Result<()> {
    work.removing(place.name, count);
    work.note(PURGED, "tenant", tenant.0, Subject { tenant: Some(tenant), user: None }, Vec::new())
}

fn unit<'a>(call: &'a Call, moment: &Moment) -> UnitOfWork<'a> {
    UnitOfWork::new(call, AuditActor::part(SystemActor::Housekeeping), moment).without_details()
}

/// Removes documents of a collection. Returns how many there were.
async fn remove_batch(
    service: &Service,
    call: &Call,
    moment: Moment,
    tenant: TenantId,
    collection: &'static Collection,
    field: &'static str,
) -> Result<usize> {
    let mut query = Query::new(collection).equal(field, tenant.0).limit(BATCH);
    query.sort = collection.index_of(field);
    let documents = service.store().find(&call.context, &query).await?;
    if documents.is_empty() {
        return Ok(0);
    }
    let mut work = unit(call, &moment);
    let remove =
        |document: &crate::store::Document| Change::Delete { collection, id: document.id, expected: document.version };
    work.commit.changes.extend(documents.iter().map(remove));
    report(&mut work, tenant, collection, documents.len())?;
    service.carry_out(work).await?;
    Ok(documents.len())
}

/// Empties the tenant itself, which ends the purge.
async fn empty_tenant(service: &Service, call: &Call, moment: Moment, tenant: TenantId) -> Result<()> {
    let stored: Option<Tenant> = service.store().load(&call.context, tenant).await?;
    let Some(before) = stored.filter(|stored| stored.status == TenantStatus::Deleted) else { return Ok(()) };
    let mut after = before.clone();
    after.purge(moment.now());
    let mut work = unit(call, &moment);
    work.removing(TENANTS.name, 1);
    work.update(PURGED, "tenant", Subject { tenant: Some(tenant), user: None }, &before, &mut after)?;
    service.carry_out(work).await
}
