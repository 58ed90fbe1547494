//! Dry runs: a state is compared with its system, and the changes are told instead of made.

use super::{Claimed, Run, Stopped, Systems, WorkspaceSettings};
use crate::{
    domain::workspace::{Condition, ConditionStatus, SystemState},
    error::{Error, Result},
    service::Service,
    workspace::planned::PlannedRun,
};

/// Compares a state with its system. Only reads, in the store and in the system.
///
/// # Errors
/// When the store does not answer. A system that does not is told in the result.
pub(in crate::workspace) async fn dry_run(
    service: &Service,
    systems: &Systems,
    settings: &WorkspaceSettings,
    state: SystemState,
) -> Result<PlannedRun> {
    let (system, subject) = (state.system, state.subject);
    let claimed = Claimed::unclaimed(state);
    let mut run = Run { service, systems, settings, claimed, changes: Vec::new(), answers: 0 };
    let (obstacles, failure) = match run.reconcile().await {
        Ok(settled) => (settled.conditions.into_iter().filter(is_off).collect(), None),
        Err(Stopped::Waits(obstacle)) => (vec![obstacle.shown(crate::work::time(service).await)], None),
        Err(Stopped::System(error)) => (Vec::new(), Some(error.to_string())),
        Err(Stopped::Store(error)) => return Err(error),
        Err(Stopped::Lost) => return Err(Error::internal("a dry run has no claim that it could lose")),
    };
    Ok(PlannedRun { system, subject, changes: run.changes, obstacles, failure })
}

fn is_off(condition: &Condition) -> bool {
    condition.status != ConditionStatus::True
}
