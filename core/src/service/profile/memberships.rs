//! The caller's memberships in force, by the name of their tenants.

use crate::{
    domain::{
        Membership, Tenant, UserId,
        membership::{MEMBERSHIPS, TENANTS_OF_USER, TENANTS_OF_USER_BY_WORD},
    },
    error::Result,
    service::{Call, Service, access::CallerFacts},
    store::{Position, Query, Repository},
};

/// Where a membership stands in the list of its person's tenants.
pub(crate) fn membership_position(membership: &Membership) -> Position {
    Position { values: vec![membership.tenant_name_key.clone().into()], id: membership.id.0 }
}

impl Service {
    /// Up to `limit` memberships of the caller after `position`, and whether there are more. A token of a tenant's own
    /// issuer shows that tenant alone.
    pub(crate) async fn own_memberships(
        &self,
        call: &Call,
        caller: &CallerFacts,
        search: Option<&str>,
        position: Option<Position>,
        limit: u32,
    ) -> Result<(Vec<Membership>, bool)> {
        let CallerFacts::Person { user, bound_to } = caller else { return Ok((Vec::new(), false)) };
        if let Some(slug) = bound_to {
            let membership = self.bound_membership(call, user.id, slug).await?;
            return Ok((membership.into_iter().filter(|_| position.is_none()).collect(), false));
        }
        let mut memberships = self.memberships_of(call, user.id, search, position, limit.saturating_add(1)).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = memberships.len() > limit;
        memberships.truncate(limit);
        Ok((memberships, more))
    }

    pub(crate) async fn memberships_of(
        &self,
        call: &Call,
        user: UserId,
        search: Option<&str>,
        position: Option<Position>,
        limit: u32,
    ) -> Result<Vec<Membership>> {
        let mut query = Query::new(&MEMBERSHIPS)
            .sort(&TENANTS_OF_USER)
            .equal("userId", user.0)
            .equal("active", true)
            .after(position)
            .limit(limit);
        if let Some(search) = search {
            query = match query.clone().words("_wordsOfTenant", "", search) {
                Some(searched) => searched.sort(&TENANTS_OF_USER_BY_WORD),
                None => query.begins("tenantNameKey", search),
            };
        }
        Ok(self.store.load_all(&call.context, &query).await?)
    }

    /// The membership in force in the one tenant to which a token is bound.
    pub(crate) async fn bound_membership(&self, call: &Call, user: UserId, slug: &str) -> Result<Option<Membership>> {
        let tenant: Option<Tenant> = self.store.load_unique(&call.context, Tenant::slug_key(slug)).await?;
        let Some(tenant) = tenant.filter(|tenant| tenant.slug == slug) else { return Ok(None) };
        let membership: Option<Membership> =
            self.store.load_unique(&call.context, Membership::key(tenant.id, user)).await?;
        Ok(membership.filter(|membership| membership.active))
    }
}
