//! Runs over the tenant's group and the login of its own and, at every look, over the people in the group.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    Extra, MOST_LOOKS, Owner, PROVISIONED, Run, Settled, Unit, known,
    login::{self, IssuerChange, Looked},
    mark, not_configured,
};
use crate::{
    connectors::{ConnectorError, Identity, Person},
    domain::{
        Issuer, Tenant,
        issuer::ISSUERS,
        workspace::{Phase, SystemKind},
    },
    service::unit_of_work::Subject,
    store::Query,
    workspace::{
        claim::{Stopped, call},
        desired::{DesiredGroup, Facts, Presence, Workspace, desired, removal},
        identity::{
            group::{self, GROUP_READY, GroupChange},
            login::LOGIN_READY,
            people::{self, KnownPerson, PEOPLE_READY},
        },
        plan::holds,
    },
};

/// Name of the group's id.
pub(super) const GROUP: &str = "group";

pub(super) async fn reconcile(run: &mut Run<'_>) -> Result<Settled, Stopped> {
    let Some(identity) = run.systems.identity.clone() else { return Err(not_configured(SystemKind::Identity)) };
    let of_tenant = Issuer::tenant_key(run.claimed.state.tenant_id);
    let (owner, mut answers) = run.owner(vec![Query::unique(&ISSUERS, of_tenant).into()]).await?;
    let Some(Owner { tenant, subscription }) = owner else { return Ok(Settled::gone()) };
    let issuer: Option<Issuer> = answers.first()?;
    let now = crate::work::time(run.service).await;
    let facts = Facts { tenant: &tenant, subscription: subscription.as_ref(), members: &[], mailboxes: &[] };
    let Workspace { group: wanted, login: wanted_login, .. } = desired(facts, run.settings, run.grace(), now);
    let mut of_login = Looked::default();
    if wanted_login.is_none() {
        // Before the group: an application that loses its group is open to everybody.
        let obstacles = login::remove(run, &*identity, &tenant, issuer.as_ref()).await?;
        if !obstacles.is_empty() && wanted.presence == Presence::Absent {
            return Ok(Settled::new(Phase::Removed, obstacles, Vec::new(), now));
        }
        of_login.obstacles = obstacles;
    }
    // Each person has a state of their own, which a dry run compares.
    let compares = wanted.presence != Presence::Absent && !run.claimed.is_dry();
    let known = if compares { known::people(run, &tenant, wanted.presence).await? } else { None };
    let mut looks = 0;
    let (group, people, obstacles) = loop {
        run.claimed.keep(run.service).await?;
        let stored = run.claimed.state.external_id(GROUP).map(str::to_owned);
        let context = run.context();
        let observed = group::observe(&*identity, &context, &wanted, stored.as_deref(), known.is_some()).await?;
        let ours = observed.ours().map(|group| group.id.clone());
        run.claimed.remember(run.service, GROUP, ours.as_deref()).await?;
        let mut plan = group::plan(&wanted, &observed);
        looks += 1;
        if plan.changes.is_empty() || looks > MOST_LOOKS {
            break (ours, observed.people, plan.obstacles);
        }
        let unit = OfGroup { identity: Arc::clone(&identity), wanted: wanted.clone() };
        let made = run.make(&mut plan, &unit).await?;
        if !made {
            break (ours, observed.people, plan.obstacles);
        }
    };
    if looks > MOST_LOOKS {
        let why = "the group does not become as it should be, though every change succeeds".to_owned();
        return Err(ConnectorError::Retryable { after: None, why }.into());
    }
    let mut fine = vec![holds(GROUP_READY, "Ready", now)];
    if let Some(group) = group.as_deref().filter(|_| obstacles.is_empty() && wanted.presence != Presence::Absent) {
        // Beyond a number of members, they follow their own states only.
        if let Some(known) = &known {
            compare_people(run, &*identity, group, known, people).await?;
        }
        fine.push(holds(PEOPLE_READY, "Ready", now));
        if let Some(wanted) = &wanted_login {
            of_login = login::complete(run, &identity, wanted, group, &tenant, issuer).await?;
            fine.push(holds(LOGIN_READY, "Ready", now));
        }
    }
    let phase = match wanted.presence {
        Presence::Active => Phase::Ready,
        Presence::Suspended => Phase::Suspended,
        Presence::Absent => Phase::Removed,
    };
    let is_group_fine = obstacles.is_empty();
    let is_login_fine = of_login.obstacles.is_empty();
    let obstacles = obstacles.into_iter().chain(of_login.obstacles).collect();
    let mut settled = Settled::new(phase, obstacles, fine, now);
    if is_group_fine && !is_login_fine {
        // The group is in use all the same.
        settled.phase = if phase == Phase::Ready { Phase::Degraded } else { phase };
    }
    settled.next = removal(&tenant, run.grace()).filter(|_| wanted.presence == Presence::Suspended);
    let name = (is_group_fine && phase == Phase::Ready && tenant.authentik_group.is_none()).then_some(wanted.name);
    settled.extra = (name.is_some() || of_login.issuer.is_some()).then(|| store(tenant, name, of_login.issuer));
    Ok(settled)
}

/// Stores the name of the group with the tenant, so that tokens that carry it give membership, and the issuer of its own
/// login, whose tokens are accepted from then on.
fn store(tenant: Tenant, name: Option<String>, issuer: Option<IssuerChange>) -> Extra {
    Box::new(move |work, _| {
        match &name {
            Some(name) => {
                let mut named = tenant.clone();
                named.authentik_group = Some(name.clone());
                let about = Subject { tenant: Some(tenant.id), user: None };
                work.update(PROVISIONED, "tenant", about, &tenant, &mut named)?;
            }
            // The login may have been switched off meanwhile.
            None => work.commit.guard(&tenant),
        }
        match &issuer {
            None => Ok(()),
            Some(IssuerChange { before: None, after }) => Ok(work.commit.insert(after)?),
            Some(IssuerChange { before: Some(before), after }) => work.refresh(before, &mut after.clone()),
        }
    })
}

/// Compares the people of the group with those whom the tenant knows. Those who differ are looked at one by one.
async fn compare_people(
    run: &mut Run<'_>,
    identity: &dyn Identity,
    group: &str,
    known: &[KnownPerson],
    observed: Option<Vec<Person>>,
) -> Result<(), Stopped> {
    let observed = match observed {
        Some(observed) => observed,
        None => {
            run.claimed.keep(run.service).await?;
            identity.members(&run.context(), group).await?
        }
    };
    let looks: Vec<_> = people::differing(known, &observed).into_iter().map(mark::person).collect();
    mark::mark(run.service, &call(), run.claimed.state.tenant_id, &looks).await?;
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
