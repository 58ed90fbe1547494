//! Runs over the tenant's space for files.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Extra, MOST_LOOKS, Owner, PROVISIONED, Run, Settled, Unit, not_configured, schedule, wait_for};
use crate::{
    connectors::{ConnectorError, Files},
    domain::{
        Tenant,
        workspace::{Phase, SystemKind, SystemState},
    },
    service::unit_of_work::Subject,
    workspace::{
        claim::Stopped,
        desired::{DesiredSpace, Facts, Presence, desired, removal},
        files::{self, ACCESS_READY, SPACE_READY, SpaceAction},
        plan::holds,
    },
};

/// Name of the space's id.
const SPACE: &str = "space";

/// Name of the id that the tenant's group has in the file system.
const GROUP: &str = "group";

pub(super) async fn reconcile(run: &mut Run<'_>) -> Result<Settled, Stopped> {
    let Some(files) = run.systems.files.clone() else { return Err(not_configured(SystemKind::Files)) };
    let others = vec![run.state_of(SystemKind::Identity, None), run.state_of(SystemKind::Mail, None)];
    let (owner, mut answers) = run.owner(others).await?;
    let Some(Owner { tenant, subscription }) = owner else { return Ok(Settled::gone()) };
    let identity: Option<SystemState> = answers.first()?;
    let mail: Option<SystemState> = answers.first()?;
    let now = crate::work::time(run.service).await;
    let facts = Facts { tenant: &tenant, subscription: subscription.as_ref(), members: &[], mailboxes: &[] };
    let wanted = desired(facts, run.settings, run.grace(), now).space;
    if let Some(waits) = depends(run, wanted.presence, identity.as_ref(), mail.as_ref()) {
        let phase = if wanted.presence == Presence::Absent { Phase::Removing } else { Phase::Waiting };
        let mut settled = Settled::new(phase, vec![waits], Vec::new(), now);
        settled.phase = phase;
        return Ok(settled);
    }
    let mut looks = 0;
    // A group that is deleted leaves its access to the space behind, so that it is looked for now and then.
    let looks_for_group = !run.is_look() || schedule::is_odd(now, run.settings.look_interval, run.claimed.state.id);
    let (space, used, obstacles) = loop {
        run.claimed.keep(run.service).await?;
        let stored = run.claimed.state.external_id(SPACE).map(str::to_owned);
        let known = run.claimed.state.external_id(GROUP).filter(|_| !looks_for_group).map(str::to_owned);
        let observed = files::observe(&*files, &run.context(), &wanted, stored.as_deref(), known.as_deref()).await?;
        let used = observed.ours().and_then(|space| space.used);
        let ours = observed.ours().map(|space| space.id.clone());
        run.claimed.remember(run.service, SPACE, ours.as_deref()).await?;
        if let Some(group) = &observed.group {
            run.claimed.remember(run.service, GROUP, Some(group)).await?;
        }
        let mut plan = files::plan(&wanted, &observed, |name| files.clean_name(name));
        looks += 1;
        if plan.changes.is_empty() {
            break (ours, used, plan.obstacles);
        }
        if looks > MOST_LOOKS {
            let why = "the space does not become as it should be, though every change succeeds".to_owned();
            return Err(ConnectorError::Retryable { after: None, why }.into());
        }
        let unit = OfSpace { files: Arc::clone(&files), wanted: wanted.clone() };
        let made = run.make(&mut plan, &unit).await?;
        if !made {
            break (ours, used, plan.obstacles);
        }
    };
    let phase = match wanted.presence {
        Presence::Active => Phase::Ready,
        Presence::Suspended => Phase::Suspended,
        Presence::Absent => Phase::Removed,
    };
    let fine = vec![holds(SPACE_READY, "Ready", now), holds(ACCESS_READY, "Ready", now)];
    let mut settled = Settled::new(phase, obstacles, fine, now);
    settled.next = removal(&tenant, run.grace()).filter(|_| wanted.presence == Presence::Suspended);
    settled.used = used;
    settled.extra = match space {
        Some(space) if settled.phase == Phase::Ready && tenant.ocis_space_id.as_ref() != Some(&space) => {
            Some(name_space(tenant, space))
        }
        _ => None,
    };
    Ok(settled)
}

/// Returns what the space waits for: the identity group before it is used, and everything else before it is removed.
fn depends(
    run: &Run<'_>,
    presence: Presence,
    identity: Option<&SystemState>,
    mail: Option<&SystemState>,
) -> Option<crate::workspace::plan::Obstacle> {
    let has = |state: Option<&SystemState>, phases: &[Phase]| state.is_some_and(|state| phases.contains(&state.phase));
    match presence {
        Presence::Active if run.systems.identity.is_some() && !has(identity, &[Phase::Ready, Phase::Degraded]) => {
            Some(wait_for(ACCESS_READY, "GroupPending", "waits for the tenant's group in the identity system"))
        }
        Presence::Absent => {
            let waits = (run.systems.mail.is_some() && !has(mail, &[Phase::Removed]))
                || (run.systems.identity.is_some() && !has(identity, &[Phase::Removed]));
            waits.then(|| wait_for(SPACE_READY, "OthersRemain", "files are removed last: waits for mail and identity"))
        }
        _ => None,
    }
}

/// Stores the id of the space with the tenant.
fn name_space(tenant: Tenant, space: String) -> Extra {
    Box::new(move |work, _| {
        let mut named = tenant.clone();
        named.ocis_space_id = Some(space.clone());
        let about = Subject { tenant: Some(tenant.id), user: None };
        work.update(PROVISIONED, "tenant", about, &tenant, &mut named).map(drop)
    })
}

/// The space as a unit that changes are made in.
struct OfSpace {
    files: Arc<dyn Files>,
    wanted: DesiredSpace,
}

#[async_trait]
impl Unit<SpaceAction> for OfSpace {
    fn name(&self, change: &SpaceAction) -> String {
        change.name().to_owned()
    }

    async fn apply(&self, run: &mut Run<'_>, change: &SpaceAction) -> Result<(), Stopped> {
        let applied = files::apply(&*self.files, &run.context(), &self.wanted, change).await;
        let space = match (change, applied) {
            // Without that right, the group appears with the first sign-in of one of its people.
            (SpaceAction::CreateGroup, Err(ConnectorError::Unauthorized { why })) => {
                let message = format!("waits for the first member to sign in to the file system, or: {why}");
                return Err(Stopped::Waits(wait_for(ACCESS_READY, "GroupPending", message)));
            }
            (_, applied) => applied?,
        };
        match change {
            SpaceAction::CreateGroup => Ok(()),
            _ => run.claimed.remember(run.service, SPACE, space.as_deref()).await,
        }
    }
}
