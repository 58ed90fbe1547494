//! The caller of a request as the host knows them from the store, read for this request alone.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use dezky::{
    Result,
    authz::Actor as PolicyActor,
    domain::{Membership, MembershipRole, ObjectId, Tenant, TenantId, User, UserStatus, membership::MEMBERSHIPS},
    service::{Call, Principal, profile::SyncedCaller},
    store::{Commit, Filter, Query, Repository as _},
};

use crate::component::Platform;

/// The caller of a request and what the host has read of their rights.
#[derive(Debug)]
pub(crate) struct Actor {
    /// None for whoever every use case refuses: unknown, disabled, or with a token that counts no more.
    user: Option<User>,
    /// Slug and tenant of a token of a tenant's own issuer, which speaks for that tenant alone.
    bound: Option<(String, Option<TenantId>)>,
    memberships: Mutex<HashMap<ObjectId, Option<Membership>>>,
    /// People whom a tenant knows that the actor administers.
    people: Mutex<HashSet<ObjectId>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Slug and tenant of the one tenant for which a token speaks, if it speaks for one alone.
async fn bound(platform: &Platform, call: &Call) -> Result<Option<(String, Option<TenantId>)>> {
    let Principal::Token(token) = &call.principal else { return Ok(None) };
    let Some(slug) = token.tenant.clone() else { return Ok(None) };
    let found: Option<Tenant> = platform.service.store().load_unique(&call.context, Tenant::slug_key(&slug)).await?;
    let tenant = found.filter(|tenant| tenant.slug == slug).map(|tenant| tenant.id);
    Ok(Some((slug, tenant)))
}

impl Actor {
    /// Reads the user of a call.
    pub(crate) async fn load(platform: &Platform, call: &Call) -> Result<Self> {
        let user = platform.service.admitted_user(call).await?;
        let bound = bound(platform, call).await?;
        Ok(Self { user, bound, memberships: Mutex::default(), people: Mutex::default() })
    }

    /// The actor of a call whose claims were just synced: what the sync has read is not read again.
    pub(crate) async fn synced(platform: &Platform, call: &Call, synced: &SyncedCaller) -> Result<Self> {
        let known = synced.memberships.iter().map(|one| (one.tenant_id.0, Some(one.clone()))).collect();
        let bound = bound(platform, call).await?;
        Ok(Self { user: Some(synced.user.clone()), bound, memberships: Mutex::new(known), people: Mutex::default() })
    }

    /// The user; none for whoever has no right at all.
    pub(super) fn user(&self) -> Option<&User> {
        self.user.as_ref()
    }

    /// Whether this is the actor's own user.
    pub(super) fn is(&self, id: ObjectId) -> bool {
        self.user.as_ref().is_some_and(|user| user.id.0 == id)
    }

    /// Whether they administer the platform.
    pub(crate) fn is_platform(&self) -> bool {
        self.bound.is_none() && self.user.as_ref().is_some_and(|user| user.platform_admin)
    }

    /// The actor as the policy sees them.
    pub(super) fn for_policy(&self) -> Option<PolicyActor<'_>> {
        self.user.as_ref().map(|user| PolicyActor::User {
            disabled: user.status == UserStatus::Disabled,
            platform_admin: user.platform_admin,
            bound_to: self.bound.as_ref().map(|(slug, _)| slug.as_str()),
        })
    }

    /// Reads the actor's memberships in these tenants, as far as they are not read yet.
    pub(super) async fn learn(
        &self,
        platform: &Platform,
        call: &Call,
        tenants: impl Iterator<Item = ObjectId>,
    ) -> dezky::store::StoreResult<()> {
        let Some(user) = &self.user else { return Ok(()) };
        let mut unknown: Vec<ObjectId> = {
            let known = locked(&self.memberships);
            tenants.filter(|tenant| !known.contains_key(tenant)).collect()
        };
        unknown.sort_unstable();
        unknown.dedup();
        for some in unknown.chunks(Query::MAXIMUM_VALUES) {
            let keys = some.iter().map(|tenant| Membership::key(TenantId(*tenant), user.id)).collect();
            let limit = u32::try_from(some.len()).unwrap_or(u32::MAX);
            let query = Query::new(&MEMBERSHIPS).filter(Filter::UniqueKeyIn(keys)).limit(limit);
            let found: Vec<Membership> = platform.service.store().load_all(&call.context, &query).await?;
            let mut known = locked(&self.memberships);
            for tenant in some {
                let membership = found.iter().find(|membership| membership.tenant_id.0 == *tenant).cloned();
                known.insert(*tenant, membership);
            }
        }
        Ok(())
    }

    /// The actor's own membership, as the host has just read it for the component.
    pub(super) fn saw(&self, membership: &Membership) {
        if self.is(membership.user_id.0) {
            locked(&self.memberships).insert(membership.tenant_id.0, Some(membership.clone()));
        } else if self.role(membership.tenant_id.0) >= Some(MembershipRole::Admin) {
            locked(&self.people).insert(membership.user_id.0);
        }
    }

    /// Whether a tenant that the actor administers has shown this person.
    pub(super) fn knows(&self, person: ObjectId) -> bool {
        locked(&self.people).contains(&person)
    }

    /// The actor's role in a tenant, if in force and learned.
    pub(super) fn role(&self, tenant: ObjectId) -> Option<MembershipRole> {
        if self.bound.as_ref().is_some_and(|(_, bound)| bound.map(|bound| bound.0) != Some(tenant)) {
            return None;
        }
        let known = locked(&self.memberships);
        known.get(&tenant)?.as_ref().filter(|membership| membership.active).map(|membership| membership.role)
    }

    /// Makes a commit rest on the actor and on their memberships in these tenants.
    pub(super) fn guard(&self, commit: &mut Commit, tenants: impl Iterator<Item = ObjectId>) {
        if let Some(user) = &self.user {
            commit.guard(user);
        }
        let known = locked(&self.memberships);
        for tenant in tenants {
            if let Some(Some(membership)) = known.get(&tenant) {
                commit.guard(membership);
            }
        }
    }
}
