//! Loads the caller's access to a tenant, and to what belongs to one.

use crate::{
    authz::{Action, Resource, TargetFacts},
    domain::{Membership, ObjectId, Tenant, TenantId, membership::MEMBERSHIPS, tenant::TENANTS},
    error::{Error, Result},
    service::{
        Call, Principal, Service,
        access::{ABSENT, CALLER, CallerFacts, TenantAccess, TenantReference, check, known_caller, own_reads},
    },
    store::{Answers, Entity, Follow, KeyPart, Origin, Query, Read, Repository, StoreResult},
};

impl Service {
    /// Loads the caller and the named tenant. Makes the same store calls whether the tenant exists or not.
    pub(crate) async fn tenant_access(&self, call: &Call, reference: &TenantReference) -> Result<TenantAccess> {
        self.tenant_access_and(call, reference, |_| None).await.map(|(access, _)| access)
    }

    /// Does the same, and returns the answer of a further read that may depend on the tenant's id.
    pub(crate) async fn tenant_access_and(
        &self,
        call: &Call,
        reference: &TenantReference,
        other: impl Fn(Origin) -> Option<Read> + Send,
    ) -> Result<(TenantAccess, Answers)> {
        let tenant = Origin { read: own_reads(call), field: "id" };
        let mut reads = vec![tenant_query(reference).into()];
        reads.extend(own_membership_in(call, tenant));
        reads.extend(other(tenant));
        let (found, mut answers) = self.find_caller_and(call, reads).await?;
        let tenant = named(reference, answers.first()?);
        let membership = membership(call, &mut answers)?;
        let caller = known_caller(call, found)?;
        let membership = tenant.as_ref().and(membership);
        Ok((TenantAccess { caller, tenant, membership }, answers))
    }

    /// Loads a person's access to an existing tenant.
    pub(crate) async fn access_of(
        &self,
        call: &Call,
        caller: CallerFacts,
        reference: &TenantReference,
    ) -> Result<TenantAccess> {
        let found = self.store.find(&call.context, &tenant_query(reference)).await?;
        let found = found.first().map(|document| document.decode(&TENANTS)).transpose()?;
        let tenant = named(reference, found).ok_or_else(Error::not_found)?;
        let membership = self.own_membership(call, &caller, Some(&tenant)).await?;
        Ok(TenantAccess { caller, tenant: Some(tenant), membership })
    }

    async fn own_membership(
        &self,
        call: &Call,
        caller: &CallerFacts,
        tenant: Option<&Tenant>,
    ) -> StoreResult<Option<Membership>> {
        let Some(user) = caller.user_id() else { return Ok(None) };
        let tenant = tenant.map_or(TenantId(ABSENT), |tenant| tenant.id);
        self.store.load_unique(&call.context, Membership::key(tenant, user)).await
    }

    /// Loads the caller, and the tenant that is named if the first action may be performed on it.
    ///
    /// Without one, the second must be allowed, which is an action on the platform.
    pub(crate) async fn access_to_tenant_or_platform(
        &self,
        call: &Call,
        reference: Option<&TenantReference>,
        [of_tenant, of_platform]: [Action; 2],
        fields: &[&'static str],
    ) -> Result<TenantAccess> {
        let Some(reference) = reference else {
            let caller = self.caller(call).await?;
            check(&caller, of_platform, &Resource { fields, ..Resource::default() })?;
            return Ok(TenantAccess { caller, tenant: None, membership: None });
        };
        let access = self.tenant_access(call, reference).await?;
        access.authorize_with(of_tenant, TargetFacts::default(), fields)?;
        Ok(access)
    }

    /// Loads a document of a tenant, or of the platform, if the first action may be performed on it.
    ///
    /// For one of the platform, the second must be allowed as well. To those who may not see it, it seems absent.
    pub(crate) async fn access_to_owned<E: Entity>(
        &self,
        call: &Call,
        id: ObjectId,
        owner: impl Fn(&E) -> Option<TenantId>,
        [of_tenant, of_platform]: [Action; 2],
        fields: &[&'static str],
    ) -> Result<(TenantAccess, E)> {
        let (access, found) = self.access_through::<E>(call, id, "tenantId").await?;
        match found {
            Some(found) if owner(&found).is_none() => {
                let resource = Resource { fields, ..Resource::default() };
                check(&access.caller, of_tenant, &resource)?;
                check(&access.caller, of_platform, &resource)?;
                Ok((access, found))
            }
            found => {
                access.authorize_with(of_tenant, TargetFacts::default(), fields)?;
                Ok((access, found.ok_or_else(Error::not_found)?))
            }
        }
    }

    /// Loads a document that names its tenant in a field, and the caller's access to that tenant. Makes the same store
    /// calls whether the document exists or not.
    pub(crate) async fn access_through<E: Entity>(
        &self,
        call: &Call,
        id: ObjectId,
        field: &'static str,
    ) -> Result<(TenantAccess, Option<E>)> {
        let tenant = Origin { read: own_reads(call), field };
        let mut reads = vec![
            Query::new(E::COLLECTION).equal("id", id).limit(1).into(),
            Query::new(&TENANTS).limit(1).follow(Follow::First("id", tenant)),
        ];
        reads.extend(own_membership_in(call, tenant));
        let (found, mut answers) = self.find_caller_and(call, reads).await?;
        let thing = answers.first()?;
        let tenant: Option<Tenant> = answers.first()?;
        let membership = membership(call, &mut answers)?;
        let caller = known_caller(call, found)?;
        Ok((TenantAccess { caller, tenant, membership }, thing))
    }
}

fn tenant_query(reference: &TenantReference) -> Query {
    match reference {
        TenantReference::Id(id) => Query::new(&TENANTS).equal("id", id.0).limit(1),
        TenantReference::Slug(slug) => Query::unique(&TENANTS, Tenant::slug_key(slug)),
    }
}

/// Returns the tenant if the reference still names it. A former slug stays reserved but names no tenant.
fn named(reference: &TenantReference, tenant: Option<Tenant>) -> Option<Tenant> {
    tenant.filter(|tenant| match reference {
        TenantReference::Id(_) => true,
        TenantReference::Slug(slug) => tenant.slug == *slug,
    })
}

/// Returns the read of the caller's membership in the tenant that an earlier read names.
fn own_membership_in(call: &Call, tenant: Origin) -> Option<Read> {
    let Principal::Token(_) = &call.principal else { return None };
    let key = Membership::key_of(KeyPart::First(tenant), KeyPart::First(CALLER));
    Some(Query::new(&MEMBERSHIPS).limit(1).follow(Follow::UniqueKey(key)))
}

/// Takes the answer of [`own_membership_in`].
fn membership(call: &Call, answers: &mut Answers) -> StoreResult<Option<Membership>> {
    match &call.principal {
        Principal::System(_) | Principal::ApiKey(_) => Ok(None),
        Principal::Token(_) => answers.first(),
    }
}
