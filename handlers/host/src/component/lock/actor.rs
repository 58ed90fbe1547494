//! The caller of a request as the host reads them from the store, for this request only.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use dezky::{
    Result,
    domain::{
        Membership, MembershipRole, ObjectId, Open, Tenant, TenantId, TenantStatus, User, membership::MEMBERSHIPS,
        tenant::TENANTS,
    },
    service::{Call, Principal, profile::SyncedCaller},
    store::{Document, Filter, Query, Repository as _, StoreResult},
};
use serde::Deserialize;

use crate::component::Backing;

/// The caller of a request, and the rights that the host has read.
#[derive(Debug)]
pub(crate) struct Actor {
    /// `None` if every use case refuses them: unknown, disabled, or with a token that is no longer accepted.
    user: Option<User>,
    /// The tenant that the token is bound to, for tokens of a tenant's own issuer; `Some(None)` if it does not exist.
    bound: Option<Option<TenantId>>,
    known: Mutex<Known>,
}

/// The facts that were read about tenants.
#[derive(Debug, Default)]
struct Known {
    /// The actor's roles by active memberships.
    roles: HashMap<ObjectId, Option<MembershipRole>>,
    /// `true` for tenants that exist and are not deleted.
    living: HashMap<ObjectId, bool>,
    /// People who are known to a tenant that the actor administers.
    people: HashSet<ObjectId>,
}

impl Known {
    fn role(&self, tenant: ObjectId) -> Option<MembershipRole> {
        let role = *self.roles.get(&tenant)?;
        role.filter(|_| self.living.get(&tenant) == Some(&true))
    }

    fn saw_tenant(&mut self, document: &Document) -> StoreResult<()> {
        #[derive(Deserialize)]
        struct TenantState {
            status: Open<TenantStatus>,
        }
        let tenant: TenantState = document.decode(&TENANTS)?;
        self.living.insert(document.id, tenant.status != TenantStatus::Deleted);
        Ok(())
    }
}

fn active_role(membership: &Membership) -> Option<MembershipRole> {
    membership.active.then_some(membership.role)
}

/// Returns the tenant that a token is bound to, if it is bound.
async fn bound(platform: &Backing, call: &Call) -> Result<Option<Option<TenantId>>> {
    let Principal::Token(token) = &call.principal else { return Ok(None) };
    let Some(slug) = token.tenant.clone() else { return Ok(None) };
    let found: Option<Tenant> = platform.service.store().load_unique(&call.context, Tenant::slug_key(&slug)).await?;
    Ok(Some(found.filter(|tenant| tenant.slug == slug).map(|tenant| tenant.id)))
}

impl Actor {
    /// Loads the user of a call.
    pub(crate) async fn load(platform: &Backing, call: &Call) -> Result<Self> {
        let user = platform.service.admitted_user(call).await?;
        let bound = bound(platform, call).await?;
        Ok(Self { user, bound, known: Mutex::default() })
    }

    /// Creates the actor of a call from the documents that its claims sync has read.
    pub(crate) async fn synced(platform: &Backing, call: &Call, synced: &SyncedCaller) -> Result<Self> {
        let roles = synced.roles.iter().map(|(tenant, role)| (tenant.0, Some(*role))).collect();
        let bound = bound(platform, call).await?;
        let known = Mutex::new(Known { roles, ..Known::default() });
        Ok(Self { user: Some(synced.user.clone()), bound, known })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns `true` if this is the actor's own user.
    pub(super) fn is(&self, id: ObjectId) -> bool {
        self.user.as_ref().is_some_and(|user| user.id.0 == id)
    }

    /// Returns `true` if they administer the platform.
    pub(crate) fn is_platform(&self) -> bool {
        self.bound.is_none() && self.user.as_ref().is_some_and(|user| user.platform_admin)
    }

    /// Returns `true` if their token is bound to one tenant.
    pub(super) fn is_bound(&self) -> bool {
        self.bound.is_some()
    }

    /// Returns `true` if their token is valid for this tenant.
    pub(super) fn speaks_for(&self, tenant: ObjectId) -> bool {
        self.bound.is_none_or(|bound| bound.is_some_and(|bound| bound.0 == tenant))
    }

    /// Reads the actor's memberships in these tenants and the tenants' state, unless already known.
    pub(super) async fn learn(
        &self,
        platform: &Backing,
        call: &Call,
        tenants: impl Iterator<Item = ObjectId>,
    ) -> StoreResult<()> {
        let Some(user) = &self.user else { return Ok(()) };
        let (strange, unseen) = {
            let known = self.known();
            let mut all: Vec<ObjectId> = tenants.collect();
            all.sort_unstable();
            all.dedup();
            let unseen: Vec<ObjectId> = all.iter().copied().filter(|one| !known.living.contains_key(one)).collect();
            all.retain(|tenant| !known.roles.contains_key(tenant));
            (all, unseen)
        };
        let store = platform.service.store();
        let limit = |some: &[ObjectId]| u32::try_from(some.len()).unwrap_or(u32::MAX);
        let memberships = async {
            for some in strange.chunks(Query::MAXIMUM_VALUES) {
                let keys = some.iter().map(|tenant| Membership::key(TenantId(*tenant), user.id)).collect();
                let query = Query::new(&MEMBERSHIPS).filter(Filter::UniqueKeyIn(keys)).limit(limit(some));
                let found: Vec<Membership> = store.load_all(&call.context, &query).await?;
                let mut known = self.known();
                for tenant in some {
                    let membership = found.iter().find(|membership| membership.tenant_id.0 == *tenant);
                    known.roles.insert(*tenant, membership.and_then(active_role));
                }
            }
            Ok(())
        };
        let living = async {
            for some in unseen.chunks(Query::MAXIMUM_VALUES) {
                let ids = some.iter().map(|tenant| (*tenant).into()).collect();
                let query = Query::new(&TENANTS).filter(Filter::In("id", ids)).limit(limit(some));
                let found = store.find(&call.context, &query).await?;
                let mut known = self.known();
                known.living.extend(some.iter().map(|tenant| (*tenant, false)));
                found.iter().try_for_each(|tenant| known.saw_tenant(tenant))?;
            }
            Ok(())
        };
        futures_util::try_join!(memberships, living).map(|((), ())| ())
    }

    /// Records tenants that the host has just read for the component.
    pub(super) fn saw_tenants(&self, documents: &[Document]) -> StoreResult<()> {
        let mut known = self.known();
        documents.iter().try_for_each(|tenant| known.saw_tenant(tenant))
    }

    /// Records a membership that was just read for the component: the actor's, or one of a tenant they administer.
    pub(super) fn saw(&self, membership: &Membership) {
        let own = self.is(membership.user_id.0);
        let administers = self.role(membership.tenant_id.0) >= Some(MembershipRole::Admin);
        let mut known = self.known();
        if own {
            known.roles.insert(membership.tenant_id.0, active_role(membership));
        } else if administers {
            known.people.insert(membership.user_id.0);
        }
    }

    /// Returns `true` if this person is known to a tenant that the actor administers.
    pub(super) fn knows(&self, person: ObjectId) -> bool {
        self.known().people.contains(&person)
    }

    /// Returns the actor's role in a tenant that is not deleted, if active and known.
    pub(super) fn role(&self, tenant: ObjectId) -> Option<MembershipRole> {
        if self.speaks_for(tenant) { self.known().role(tenant) } else { None }
    }
}
