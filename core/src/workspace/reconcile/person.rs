//! Runs over one person in the tenant's group.

use std::sync::Arc;

use async_trait::async_trait;

use super::{MOST_LOOKS, Owner, Run, Settled, Unit, group::GROUP, known, not_configured, wait_for};
use crate::{
    connectors::{ConnectorError, Identity},
    domain::{
        GrantSource, Membership, ObjectId, RevokedBy, User, UserId,
        membership::MEMBERSHIPS,
        user::USERS,
        workspace::{Phase, SystemKind, SystemState},
    },
    store::Query,
    workspace::{
        claim::Stopped,
        desired::presence,
        identity::person::{self, DesiredPerson, PERSON_READY, PersonChange},
        plan::holds,
    },
};

/// Name of the person's id.
const PERSON: &str = "person";

pub(super) async fn reconcile(run: &mut Run<'_>, user_id: ObjectId) -> Result<Settled, Stopped> {
    let Some(identity) = run.systems.identity.clone() else { return Err(not_configured(SystemKind::Identity)) };
    let tenant = run.claimed.state.tenant_id;
    let (owner, mut answers) = run
        .owner(vec![
            Query::unique(&MEMBERSHIPS, Membership::key(tenant, UserId(user_id))).into(),
            Query::new(&USERS).equal("id", user_id).limit(1).into(),
            run.state_of(SystemKind::Identity, None),
        ])
        .await?;
    let Some(Owner { tenant, .. }) = owner else { return Ok(Settled::gone()) };
    let membership: Option<Membership> = answers.first()?;
    let user: Option<User> = answers.first()?;
    let of_group: Option<SystemState> = answers.first()?;
    let now = crate::work::time(run.service).await;
    let presence = presence(&tenant, run.grace(), now);
    let member = match (&membership, &user) {
        (Some(membership), Some(user)) => known::is_member(membership, user, presence),
        _ => false,
    };
    let Some(group) = of_group.as_ref().and_then(|state| state.external_id(GROUP)).map(str::to_owned) else {
        if !member {
            return Ok(Settled::gone());
        }
        let waits = wait_for(PERSON_READY, "GroupPending", "waits for the tenant's group in the identity system");
        return Ok(Settled::new(Phase::Ready, vec![waits], Vec::new(), now));
    };
    let own = user.as_ref().filter(|user| user.issuer_id == run.settings.identity_issuer);
    let subject = own.and_then(|user| user.authentik_subject_id.clone());
    let Some(subject) = subject else {
        // An erased person has no subject any more; the id in the identity system still tells whom to remove.
        if let Some(person) = run.claimed.state.external_id(PERSON).map(str::to_owned)
            && !member
        {
            if run.does(PersonChange::Remove { person: person.clone() }.name()) {
                identity.remove_member(&run.context(), &group, &person).await?;
            }
            return Ok(Settled::gone());
        }
        return Ok(match member {
            true => Settled::new(Phase::Ready, Vec::new(), vec![holds(PERSON_READY, "OtherIssuer", now)], now),
            false => Settled::gone(),
        });
    };
    let by_claim = membership.as_ref().is_some_and(|membership| match membership.active {
        true => membership.source == GrantSource::Claim,
        false => membership.revoked_by == Some(RevokedBy::Claim),
    });
    let desired = DesiredPerson { group, subject, member, by_claim };
    let mut looks = 0;
    let obstacles = loop {
        run.claimed.keep(run.service).await?;
        let observed = person::observe(&*identity, &run.context(), &desired).await?;
        if let Some(person) = &observed {
            run.claimed.remember(run.service, PERSON, Some(&person.id)).await?;
        }
        let mut plan = person::plan(&desired, observed.as_ref());
        looks += 1;
        if plan.changes.is_empty() {
            break plan.obstacles;
        }
        if looks > MOST_LOOKS {
            let why = "the person's group does not change, though every change succeeds".to_owned();
            return Err(ConnectorError::Retryable { after: None, why }.into());
        }
        if plan.changes.contains(&PersonChange::Revoke) {
            let now = crate::work::time(run.service).await;
            if run.does(PersonChange::Revoke.name()) {
                known::revoke_by_claim(run.service, tenant.id, UserId(user_id), now).await?;
            }
            return Ok(Settled::gone());
        }
        let unit = OfPerson { identity: Arc::clone(&identity), desired: desired.clone() };
        let made = run.make(&mut plan, &unit).await?;
        if !made {
            break plan.obstacles;
        }
    };
    if !member && obstacles.is_empty() {
        return Ok(Settled::gone());
    }
    let mut settled = Settled::new(Phase::Ready, obstacles, vec![holds(PERSON_READY, "Ready", now)], now);
    // The looks at the group find out who differs.
    settled.rests = true;
    Ok(settled)
}

/// A person as a unit that changes are made in.
struct OfPerson {
    identity: Arc<dyn Identity>,
    desired: DesiredPerson,
}

#[async_trait]
impl Unit<PersonChange> for OfPerson {
    fn name(&self, change: &PersonChange) -> String {
        change.name().to_owned()
    }

    async fn apply(&self, run: &mut Run<'_>, change: &PersonChange) -> Result<(), Stopped> {
        Ok(person::apply(&*self.identity, &run.context(), &self.desired, change).await?)
    }
}
