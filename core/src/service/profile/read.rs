//! What a profile shows.

use std::collections::HashMap;

use super::{PROFILE_TENANTS, SyncedCaller, membership_position};
use crate::{
    domain::{MembershipRole, Subscription, TenantId, subscription::SUBSCRIPTIONS},
    error::Result,
    service::{
        Call, Service,
        tenants::TenantFilter,
        views::{ProfileView, SubscriptionView, TenantView, UserView},
    },
    store::{Filter, Query, Repository},
};

impl Service {
    /// The caller's profile: who they are, their tenants (the first 100 by name) and those tenants' subscriptions.
    /// Brings the caller's memberships in line with the token's claims first.
    ///
    /// # Errors
    /// As [`Service::sync_claims`].
    pub async fn profile(&self, call: &Call) -> Result<ProfileView> {
        let synced = self.sync_claims(call).await?;
        self.profile_of(call, synced).await
    }

    /// The profile of a caller whose claims are synced.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn profile_of(&self, call: &Call, synced: SyncedCaller) -> Result<ProfileView> {
        let SyncedCaller { user, mut memberships } = synced;
        let shown = usize::try_from(PROFILE_TENANTS).unwrap_or(usize::MAX);
        let more = memberships.len() > shown;
        memberships.truncate(shown);
        let ids: Vec<TenantId> = memberships.iter().map(|membership| membership.tenant_id).collect();
        let roles: HashMap<TenantId, MembershipRole> =
            memberships.iter().map(|membership| (membership.tenant_id, membership.role)).collect();
        let (mut tenants, subscriptions) = futures_util::try_join!(
            self.tenants_by_id(call, ids.iter().copied()),
            self.current_subscriptions(call, &ids)
        )?;
        let platform = false;
        let tenants: Vec<TenantView> = ids
            .iter()
            .filter_map(|id| tenants.remove(id))
            .map(|tenant| {
                let role = roles.get(&tenant.id).copied();
                TenantView::new(tenant, role, platform)
            })
            .collect();
        let subscriptions = subscriptions
            .into_iter()
            .filter(|subscription| tenants.iter().any(|tenant| tenant.id == subscription.tenant_id))
            .map(|subscription| {
                let role = roles.get(&subscription.tenant_id).copied();
                SubscriptionView::new(subscription, role, platform)
            })
            .collect();
        let next_cursor = match memberships.last() {
            Some(last) if more => {
                Some(Self::own_tenants_scope(call, &TenantFilter::default()).encode(membership_position(last))?)
            }
            _ => None,
        };
        let tenant_ids = tenants.iter().map(|tenant| tenant.id).collect();
        Ok(ProfileView { user: UserView::new(user, tenant_ids), tenants, subscriptions, next_cursor })
    }

    async fn current_subscriptions(&self, call: &Call, tenants: &[TenantId]) -> Result<Vec<Subscription>> {
        if tenants.is_empty() {
            return Ok(Vec::new());
        }
        let keys = tenants.iter().map(|tenant| Subscription::current_key(*tenant)).collect();
        let limit = u32::try_from(tenants.len()).unwrap_or(u32::MAX);
        let query = Query::new(&SUBSCRIPTIONS).filter(Filter::UniqueKeyIn(keys)).limit(limit);
        Ok(self.store.load_all(&call.context, &query).await?)
    }
}
