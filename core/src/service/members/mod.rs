//! Members of a tenant.

mod grant;
mod list;
mod revoke;
mod update;

pub use list::MemberFilter;

use super::unit_of_work::Subject;
use crate::{
    authz::{Action, TargetFacts},
    domain::{
        Choice as _, Membership, MembershipRole, TenantId, User, UserId,
        membership::{MEMBERS_BY_ROLE, MEMBERSHIPS},
        user::USERS,
    },
    error::Result,
    service::{
        Call, Service,
        access::{ABSENT, TenantAccess, TenantReference},
        unit_of_work::UnitOfWork,
    },
    store::{Filter, Query, Repository},
};

/// The kind of resource in audit events.
pub(crate) const KIND: &str = "membership";

pub(crate) fn subject(membership: &Membership) -> Subject {
    Subject { tenant: Some(membership.tenant_id), user: Some(membership.user_id) }
}

/// A caller, their tenant, and the membership that a request is about.
struct MemberAccess {
    access: TenantAccess,
    target: Option<Membership>,
    /// Owners of the tenant who are not disabled, among the first [`OWNERS`].
    owners: Vec<(Membership, User)>,
}

/// Number of owners that are searched for one who remains.
const OWNERS: u32 = 20;

impl MemberAccess {
    fn facts(&self, wanted: Option<MembershipRole>) -> TargetFacts {
        let active = self.target.as_ref().filter(|membership| membership.active);
        let current = active.map(|membership| membership.role);
        let owner = current == Some(MembershipRole::Owner);
        TargetFacts { current, wanted, last_owner: owner && self.staying_owner().is_none() }
    }

    /// Returns an owner who can act and is not the member in question.
    fn staying_owner(&self) -> Option<&(Membership, User)> {
        let target = self.target.as_ref().map(|membership| membership.id);
        self.owners.iter().find(|(owner, _)| Some(owner.id) != target)
    }

    /// Makes a commit fail if anything that was read has changed since.
    ///
    /// If the member is an owner, the commit also depends on another owner staying one.
    fn guard(&self, work: &mut UnitOfWork<'_>) {
        self.access.guard(work);
        let of_owner = self.facts(None).current == Some(MembershipRole::Owner);
        if let Some((membership, user)) = self.staying_owner().filter(|_| of_owner) {
            work.commit.guard(membership);
            work.commit.guard(user);
        }
    }
}

/// Returns the query for the owners of a tenant, as many as are needed to know that one stays.
fn owners_of(tenant: TenantId) -> Query {
    Query::new(&MEMBERSHIPS)
        .sort(&MEMBERS_BY_ROLE)
        .equal("tenantId", tenant.0)
        .equal("active", true)
        .equal("role", MembershipRole::Owner.name())
        .limit(OWNERS)
}

impl Service {
    /// Returns `true` if a membership is that of the only owner of its tenant who can act.
    pub(crate) async fn is_last_owner(&self, call: &Call, membership: &Membership) -> Result<bool> {
        if !membership.active || membership.role != MembershipRole::Owner {
            return Ok(false);
        }
        let owners = self.store.load_all::<Membership>(&call.context, &owners_of(membership.tenant_id)).await?;
        let staying = self.who_can_act(call, owners).await?;
        Ok(staying.iter().all(|(owner, _)| owner.id == membership.id))
    }

    /// Loads the caller and a member of a tenant. Makes the same store calls whether they exist or not.
    ///
    /// `action` is the one that is asked for: an API key may perform it without reading members.
    async fn member_access(
        &self,
        call: &Call,
        reference: &TenantReference,
        user: UserId,
        action: Action,
    ) -> Result<MemberAccess> {
        let access = self.tenant_access(call, reference).await?;
        // For a tenant hidden from the caller nothing more is read than for an absent one: the time taken would
        // disclose it.
        let seen = access.authorize(Action::ReadMembers).or_else(|_| access.authorize(action));
        let tenant = seen.map_or(TenantId(ABSENT), |tenant| tenant.id);
        let owners = owners_of(tenant);
        let (target, owners) = futures_util::try_join!(
            self.store.load_unique::<Membership>(&call.context, Membership::key(tenant, user)),
            self.store.load_all::<Membership>(&call.context, &owners)
        )?;
        let owners = self.who_can_act(call, owners).await?;
        Ok(MemberAccess { access, target, owners })
    }

    /// Returns the memberships whose people are not disabled. Calls the store even if there are none.
    async fn who_can_act(&self, call: &Call, memberships: Vec<Membership>) -> Result<Vec<(Membership, User)>> {
        let mut ids: Vec<_> = memberships.iter().map(|membership| membership.user_id.0.into()).collect();
        if ids.is_empty() {
            ids.push(ABSENT.into());
        }
        let users = Query::new(&USERS).filter(Filter::In("id", ids)).limit(OWNERS);
        let users: Vec<User> = self.store.load_all(&call.context, &users).await?;
        let of = |membership: &Membership| {
            users.iter().find(|user| user.id == membership.user_id && user.may_call()).cloned()
        };
        Ok(memberships.into_iter().filter_map(|membership| of(&membership).map(|user| (membership, user))).collect())
    }
}
