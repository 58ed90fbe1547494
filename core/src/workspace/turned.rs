//! What follows when a system of a tenant has turned ready or was removed.
//!
//! It follows the event that the run has stored together with the phase, so that nothing is lost with a worker that is killed
//! in between.

use super::{claim::call, mark, reconcile::PROVISIONED};
use crate::{
    domain::{
        Tenant, TenantId, TenantStatus,
        workspace::{Phase, SYSTEM_STATES, SystemState},
    },
    error::{Code, Result},
    service::{
        Service,
        unit_of_work::{Subject, UnitOfWork},
    },
    store::{Filter, Query, Read, Repository},
};

/// Name in the audit trail of a system that has turned ready.
pub(crate) const TURNED_READY: &str = crate::domain::system_action::SYSTEM_READY;

/// Name in the audit trail of a system that was removed.
pub(crate) const TURNED_REMOVED: &str = crate::domain::system_action::SYSTEM_REMOVED;

/// Returns the name of a change of phase that others wait for.
pub(super) fn turn(before: Phase, after: Phase) -> Option<&'static str> {
    match after {
        Phase::Ready if before != after => Some(TURNED_READY),
        Phase::Removed if before != after => Some(TURNED_REMOVED),
        _ => None,
    }
}

/// Wakes what waits for a system that has turned, has people and mailboxes go with one that was removed, and activates a pending
/// tenant all of whose systems are ready.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn follow(service: &Service, tenant: TenantId, done: &[String]) -> Result<()> {
    match done.iter().any(|name| name == TURNED_REMOVED) {
        true => mark::mark_all(service, &call(), tenant).await?,
        false => mark::wake_waiting(service, &call(), tenant).await?,
    }
    activate(service, tenant).await
}

/// Sets a pending tenant to active, once all of its systems are ready.
async fn activate(service: &Service, tenant: TenantId) -> Result<()> {
    let call = call();
    let mut kinds = service.settings().systems.clone();
    kinds.retain(|kind| !kind.is_by_hand());
    if kinds.is_empty() {
        return Ok(());
    }
    let keys: Vec<String> = kinds.iter().map(|kind| SystemState::key(tenant, *kind, None)).collect();
    let activated = service
        .settle(&call, |moment| {
            let (call, keys, kinds) = (&call, keys.clone(), &kinds);
            async move {
                let reads: [Read; 2] = [
                    Query::new(&crate::domain::tenant::TENANTS).equal("id", tenant.0).limit(1).into(),
                    Query::new(&SYSTEM_STATES).filter(Filter::UniqueKeyIn(keys)).limit(10).into(),
                ];
                let mut answers = service.store().load_together(&call.context, &reads).await?;
                let stored: Option<Tenant> = answers.first()?;
                let states: Vec<SystemState> = answers.all()?;
                let ready = |kind| states.iter().any(|state| state.system == kind && state.phase == Phase::Ready);
                let Some(stored) = stored.filter(|tenant| tenant.status == TenantStatus::Pending) else {
                    return Ok(());
                };
                if !kinds.iter().all(|kind| ready(*kind)) {
                    return Ok(());
                }
                let mut work = UnitOfWork::new(call, super::actor(), &moment);
                let mut active = stored.clone();
                active.set_status(TenantStatus::Active);
                let about = Subject { tenant: Some(tenant), user: None };
                work.update(PROVISIONED, "tenant", about, &stored, &mut active)?;
                service.carry_out(work).await
            }
        })
        .await;
    match activated {
        // Others write the tenant at the same time; the run that ends last activates it.
        Err(error) if error.is(Code::CONFLICT) => Ok(()),
        outcome => outcome,
    }
}
