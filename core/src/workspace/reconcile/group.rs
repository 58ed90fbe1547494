//! Runs over the tenant's group and, at every look, over the people in it.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Extra, MOST_LOOKS, Owner, PROVISIONED, Run, Settled, Unit, known, mark, not_configured};
use crate::{
    connectors::{ConnectorError, Identity},
    domain::{
        Tenant,
        workspace::{Phase, SystemKind},
    },
    service::unit_of_work::Subject,
    workspace::{
        claim::{Stopped, call},
        desired::{DesiredGroup, Facts, Presence, desired, removal},
        identity::{
            group::{self, GROUP_READY, GroupChange},
            people::{self, PEOPLE_READY},
        },
        plan::holds,
    },
};

/// Name of the group's id.
pub(super) const GROUP: &str = "group";

pub(super) async fn reconcile(run: &mut Run<'_>) -> Result<Settled, Stopped> {
    let Some(identity) = run.systems.identity.clone() else { return Err(not_configured(SystemKind::Identity)) };
    let (owner, _) = run.owner(Vec::new()).await?;
    let Some(Owner { tenant, subscription }) = owner else { return Ok(Settled::gone()) };
    let now = crate::work::time(run.service).await;
    let facts = Facts { tenant: &tenant, subscription: subscription.as_ref(), members: &[], mailboxes: &[] };
    let wanted = desired(facts, run.settings, run.grace(), now).group;
    let mut looks = 0;
    let (group, obstacles) = loop {
        run.claimed.keep(run.service).await?;
        let stored = run.claimed.state.external_id(GROUP).map(str::to_owned);
        let context = run.context();
        let observed = group::observe(&*identity, &context, &wanted, stored.as_deref()).await?;
        let ours = observed.ours().map(|group| group.id.clone());
        run.claimed.remember(run.service, GROUP, ours.as_deref()).await?;
        let mut plan = group::plan(&wanted, &observed);
        looks += 1;
        if plan.changes.is_empty() || looks > MOST_LOOKS {
            break (ours, plan.obstacles);
        }
        let unit = OfGroup { identity: Arc::clone(&identity), wanted: wanted.clone() };
        let made = run.make(&mut plan, &unit).await?;
        if !made {
            break (ours, plan.obstacles);
        }
    };
    if looks > MOST_LOOKS {
        let why = "the group does not become as it should be, though every change succeeds".to_owned();
        return Err(ConnectorError::Retryable { after: None, why }.into());
    }
    let mut fine = vec![holds(GROUP_READY, "Ready", now)];
    if let Some(group) = group.as_deref().filter(|_| obstacles.is_empty() && wanted.presence != Presence::Absent) {
        compare_people(run, &tenant, group, wanted.presence).await?;
        fine.push(holds(PEOPLE_READY, "Ready", now));
    }
    let phase = match wanted.presence {
        Presence::Active => Phase::Ready,
        Presence::Suspended => Phase::Suspended,
        Presence::Absent => Phase::Removed,
    };
    let mut settled = Settled::new(phase, obstacles, fine, now);
    settled.next = removal(&tenant, run.grace()).filter(|_| wanted.presence == Presence::Suspended);
    settled.extra = (settled.phase == Phase::Ready && tenant.authentik_group.is_none())
        .then(|| name_group(tenant, wanted.name.clone()));
    Ok(settled)
}

/// Stores the name of the group with the tenant, so that tokens that carry it give membership.
fn name_group(tenant: Tenant, name: String) -> Extra {
    Box::new(move |work, _| {
        let mut named = tenant.clone();
        named.authentik_group = Some(name.clone());
        let about = Subject { tenant: Some(tenant.id), user: None };
        work.update(PROVISIONED, "tenant", about, &tenant, &mut named).map(drop)
    })
}

/// Compares the people of the group with the tenant's members. Those who differ are looked at one by one.
async fn compare_people(run: &mut Run<'_>, tenant: &Tenant, group: &str, presence: Presence) -> Result<(), Stopped> {
    let Some(identity) = run.systems.identity.clone() else { return Ok(()) };
    if run.claimed.is_dry() {
        // Each person has a state of their own, which a dry run compares.
        return Ok(());
    }
    let Some(known) = known::people(run, tenant, presence).await? else {
        // Beyond that number the members follow their own states only.
        return Ok(());
    };
    run.claimed.keep(run.service).await?;
    let observed = identity.members(&run.context(), group).await?;
    let looks: Vec<_> = people::differing(&known, &observed).into_iter().map(mark::person).collect();
    mark::mark(run.service, &call(), tenant.id, &looks).await?;
    Ok(())
}

/// The group as a unit that changes are made in.
struct OfGroup {
    identity: Arc<dyn Identity>,
    wanted: DesiredGroup,
}

#[async_trait]
impl Unit<GroupChange> for OfGroup {
    fn name(&self, change: &GroupChange) -> String {
        change.name().to_owned()
    }

    async fn apply(&self, run: &mut Run<'_>, change: &GroupChange) -> Result<(), Stopped> {
        let id = group::apply(&*self.identity, &run.context(), &self.wanted, change).await?;
        run.claimed.remember(run.service, GROUP, id.as_deref()).await
    }
}
