//! Activates a tenant whose systems are ready.

use super::PROVISIONED;
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
    workspace::{Systems, claim::call},
};

/// Sets a pending tenant to active, once all of its systems are ready.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn activate(service: &Service, systems: &Systems, tenant: TenantId) -> Result<()> {
    let call = call();
    let mut kinds = systems.kinds();
    kinds.retain(|kind| !kind.is_by_hand());
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
                let mut work = UnitOfWork::new(call, super::super::actor(), &moment);
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
