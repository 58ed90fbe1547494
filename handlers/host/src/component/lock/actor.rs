//! The caller of a request as the host knows them from the store, read for this request alone.

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

/// The caller of a request and what the host has read of their rights.
#[derive(Debug)]
pub(crate) struct Actor {
    /// None for whoever every use case refuses: unknown, disabled, or with a token that counts no more.
    user: Option<User>,
    /// The tenant of a token of a tenant's own issuer, which speaks for that tenant alone, if it is there.
    bound: Option<Option<TenantId>>,
    known: Mutex<Known>,
}

/// What was read of tenants, and in them.
#[derive(Debug, Default)]
struct Known {
    /// The actor's own memberships.
    memberships: HashMap<ObjectId, Option<Membership>>,
    /// Whether a tenant is there, and not deleted.
    living: HashMap<ObjectId, bool>,
    /// People whom a tenant knows that the actor administers.
    people: HashSet<ObjectId>,
}

impl Known {
    fn role(&self, tenant: ObjectId) -> Option<MembershipRole> {
        let membership = self.memberships.get(&tenant)?.as_ref().filter(|membership| membership.active)?;
        (self.living.get(&tenant) == Some(&true)).then_some(membership.role)
    }

    fn saw_tenant(&mut self, document: &Document) -> StoreResult<()> {
        #[derive(Deserialize)]
        struct Standing {
            status: Open<TenantStatus>,
        }
        let standing: Standing = document.decode(&TENANTS)?;
        self.living.insert(document.id, standing.status != TenantStatus::Deleted);
        Ok(())
    }
}

/// The tenant of the one issuer for which a token speaks, if it speaks for one alone.
async fn bound(platform: &Backing, call: &Call) -> Result<Option<Option<TenantId>>> {
    let Principal::Token(token) = &call.principal else { return Ok(None) };
    let Some(slug) = token.tenant.clone() else { return Ok(None) };
    let found: Option<Tenant> = platform.service.store().load_unique(&call.context, Tenant::slug_key(&slug)).await?;
    Ok(Some(found.filter(|tenant| tenant.slug == slug).map(|tenant| tenant.id)))
}

impl Actor {
    /// Reads the user of a call.
    pub(crate) async fn load(platform: &Backing, call: &Call) -> Result<Self> {
        let user = platform.service.admitted_user(call).await?;
        let bound = bound(platform, call).await?;
        Ok(Self { user, bound, known: Mutex::default() })
    }

    /// The actor of a call whose claims were just synced: what the sync has read is not read again.
    pub(crate) async fn synced(platform: &Backing, call: &Call, synced: SyncedCaller) -> Result<Self> {
        let memberships = synced.memberships.into_iter().map(|one| (one.tenant_id.0, Some(one))).collect();
        let bound = bound(platform, call).await?;
        let known = Mutex::new(Known { memberships, ..Known::default() });
        Ok(Self { user: Some(synced.user), bound, known })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this is the actor's own user.
    pub(super) fn is(&self, id: ObjectId) -> bool {
        self.user.as_ref().is_some_and(|user| user.id.0 == id)
    }

    /// Whether they administer the platform.
    pub(crate) fn is_platform(&self) -> bool {
        self.bound.is_none() && self.user.as_ref().is_some_and(|user| user.platform_admin)
    }

    /// Whether their token speaks for one tenant alone.
    pub(super) fn is_bound(&self) -> bool {
        self.bound.is_some()
    }

    /// Whether their token speaks for this tenant.
    pub(super) fn speaks_for(&self, tenant: ObjectId) -> bool {
        self.bound.is_none_or(|bound| bound.is_some_and(|bound| bound.0 == tenant))
    }

    /// Reads the actor's memberships in these tenants, and whether they are there, as far as that is not known yet.
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
            all.retain(|tenant| !known.memberships.contains_key(tenant));
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
                    let membership = found.iter().find(|membership| membership.tenant_id.0 == *tenant).cloned();
                    known.memberships.insert(*tenant, membership);
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

    /// Tenants, as the host has just read them for the component.
    pub(super) fn saw_tenants(&self, documents: &[Document]) -> StoreResult<()> {
        let mut known = self.known();
        documents.iter().try_for_each(|tenant| known.saw_tenant(tenant))
    }

    /// A membership, as the host has just read it for the component: the actor's own, or one of a tenant that they administer.
    pub(super) fn saw(&self, membership: &Membership) {
        let own = self.is(membership.user_id.0);
        let administers = self.role(membership.tenant_id.0) >= Some(MembershipRole::Admin);
        let mut known = self.known();
        if own {
            known.memberships.insert(membership.tenant_id.0, Some(membership.clone()));
        } else if administers {
            known.people.insert(membership.user_id.0);
        }
    }

    /// Whether a tenant that the actor administers has shown this person.
    pub(super) fn knows(&self, person: ObjectId) -> bool {
        self.known().people.contains(&person)
    }

    /// The actor's role in a tenant, if in force and learned, and if the tenant is not deleted.
    pub(super) fn role(&self, tenant: ObjectId) -> Option<MembershipRole> {
        if self.speaks_for(tenant) { self.known().role(tenant) } else { None }
    }
}
