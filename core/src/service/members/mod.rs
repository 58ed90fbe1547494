//! Members of a tenant.

mod grant;
mod list;
mod revoke;
mod update;

pub use list::MemberFilter;

use super::work::Subject;
use crate::{
    authz::TargetFacts,
    domain::{
        Membership, MembershipRole, TenantId, UserId,
        membership::{MEMBERS_BY_ROLE, MEMBERSHIPS},
    },
    error::Result,
    service::{
        Call, Service,
        access::{ABSENT, TenantAccess, TenantReference},
        work::Work,
    },
    store::{Query, Repository},
};

/// The kind of thing in audit events.
const KIND: &str = "membership";

fn subject(membership: &Membership) -> Subject {
    Subject { tenant: Some(membership.tenant_id), user: Some(membership.user_id) }
}

/// A caller before a membership.
struct MemberAccess {
    access: TenantAccess,
    target: Option<Membership>,
    /// Two of the tenant's owners, if there are as many.
    owners: Vec<Membership>,
}

impl MemberAccess {
    fn facts(&self, wanted: Option<MembershipRole>) -> TargetFacts {
        let active = self.target.as_ref().filter(|membership| membership.active);
        let current = active.map(|membership| membership.role);
        let only = matches!(self.owners.as_slice(), [only] if active.is_some_and(|target| target.id == only.id));
        TargetFacts { current, wanted, last_owner: only }
    }

    /// Makes a commit rest on everything that was read. When an owner goes, it rests on another one staying.
    fn guard(&self, work: &mut Work<'_>) {
        self.access.guard(work);
        let target = self.target.as_ref().map(|membership| membership.id);
        if let Some(other) = self.owners.iter().find(|owner| Some(owner.id) != target) {
            work.commit.guard(other);
        }
    }
}

impl Service {
    /// The caller before a member of a tenant. Makes the same store calls whether they exist or not.
    async fn member_access(&self, call: &Call, reference: &TenantReference, user: UserId) -> Result<MemberAccess> {
        let access = self.tenant_access(call, reference).await?;
        let tenant = access.tenant.as_ref().map_or(TenantId(ABSENT), |tenant| tenant.id);
        let owners = Query::new(&MEMBERSHIPS)
            .sort(&MEMBERS_BY_ROLE)
            .equal("tenantId", tenant.0)
            .equal("active", true)
            .equal("role", MembershipRole::Owner.name())
            .limit(2);
        let (target, owners) = futures_util::try_join!(
            self.store.load_unique::<Membership>(&call.context, Membership::key(tenant, user)),
            self.store.load_all::<Membership>(&call.context, &owners)
        )?;
        Ok(MemberAccess { access, target, owners })
    }
}
